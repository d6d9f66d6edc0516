// SPDX-License-Identifier: GPL-3.0-or-later
// The look at a trial before its budget is spent: what it can by then, shown to whoever decides whether it goes on.
#include <algorithm>
#include <filesystem>

#include "core/model/answerer.h"
#include "core/model/compat.h"
#include "core/plugin/proxy.h"
#include "core/trainer/trainer_private.h"

namespace ratchet
{
namespace
{

// Greedy answers without votes, which is what training has brought about so far; b bits per byte as 1 - b / 8.
Result<double> meanScore(const Answerer& model, const Domain& domain, const Reasoning& reasoning,
                         const ProxyItems& asked)
{
    std::vector<std::string> prompts, texts;
    for (const Item& item : asked.items) {
        if (domain.splitOf(item) != Split::Train)
            return fail(Code::Failed, fmt::format("The domain gave \"{}\" to look at, which a judge may ask.", item.id),
                        "Mend the plugin's draw: its items must belong to the split that was asked for.");
        const Example example = domain.example(item, reasoning);
        prompts.push_back(example.prompt);
        texts.push_back(example.prompt + example.completion);
    }
    double sum = 0;
    if (domain.info().measure == Measure::BitsPerByte) {
        RATCHET_TRY(bits, model.bitsPerByte(texts));
        for (const double each : bits)
            sum += std::clamp(1 - each / 8, 0.0, 1.0);
    } else {
        AnswerOptions options;
        options.maxTokens = asked.maxTokens;
        RATCHET_TRY(answers, model.answer(prompts, options));
        for (std::size_t i = 0; i < answers.size(); ++i)
            sum += domain.grade(asked.items[i], answers[i].completion, reasoning).score;
    }
    return sum / static_cast<double>(asked.items.size());
}

} // namespace

bool Trainer::Private::isProxyDue() const
{
    return asksProxy() && !state.lookedAt && state.step > 0 && (shareSpent() >= spec.proxy || isDone());
}

Result<Proxy> Trainer::Private::measureProxy() const
{
    const OneThread alone;
    const ProxyItems asked = proxyItems(domain, genome, tokenizer, spec.budgetFlops);
    if (asked.items.empty())
        return fail(Code::BadInput, "The trial's budget does not pay for a look before its end.",
                    "Set \"proxy\" to 0.");
    const std::string file = (std::filesystem::path(spec.scratch) / "proxy.safetensors").string();
    RATCHET_CHECK(model.save(file, state.average.defined() ? state.average : model.flat(), {}));
    RATCHET_TRY(answerer, Answerer::load(genome, file, domain, spec.tokenizer, placement));
    RATCHET_TRY(score, meanScore(*answerer, domain, genome.reasoning, asked));
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    return Proxy{state.step, score, state.loss, answerer->flopsUsed(), static_cast<int>(asked.items.size())};
}

// The engine compares what it is told with the progress it saw last, and so is told that first.
Result<AfterProxy> Trainer::Private::showProxy()
{
    try {
        RATCHET_CHECK(readSteps());
        RATCHET_TRY(proxy, measureProxy());
        if (events.onProgress)
            events.onProgress(progressNow());
        RATCHET_TRY(answer, events.onProxy(proxy));
        state.lookedAt = answer == AfterProxy::TrainOn;
        state.proxyFlops = state.lookedAt ? proxy.flops : 0;
        return answer;
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The look at the training failed: {}.", reasonOf(error)));
    }
}

} // namespace ratchet
