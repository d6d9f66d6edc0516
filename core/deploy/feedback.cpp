// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/deploy/feedback.h"

#include "core/plugin/loader.h"

namespace ratchet {

Result<OutcomeRecord> outcomeOf(const FeedbackGiven& feedback, const Domain& domain, Time time)
{
    if (feedback.correction.empty() && feedback.rating == 0)
        return fail(Code::BadInput, "The feedback has neither a correction nor a rating.",
                    "Give \"correction\" (the right answer) or \"rating\" (-1 to 1, not 0).");
    OutcomeRecord record;
    record.version = Hash{feedback.version};
    record.prompt = feedback.prompt;
    record.completion = feedback.completion;
    record.correction = feedback.correction;
    record.rating = feedback.rating;
    record.created = time;
    RATCHET_TRY(item, guarded("domain", [&] { return domain.parse(feedback.prompt); }));
    if (!item)
        return record;
    record.question = item->question;
    if (feedback.correction.empty())
        return record;
    RATCHET_TRY(example, guarded("domain", [&] { return domain.exampleWith(*item, feedback.correction, domain.seedGenome().reasoning); }));
    if (!example)
        return passOn(example);
    return record;
}

} // namespace ratchet
