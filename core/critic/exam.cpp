// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/exam.h"

#include <set>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/plugin/overlap.h"
#include "core/critic/probes.h"
#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

constexpr int mostDrawsEach = 64;       // of an item that has a paraphrase

} // namespace

Result<Split> splitFromText(const std::string& name)
{
    if (name == "guide")
        return Split::Guide;
    if (name == "gate")
        return Split::Gate;
    if (name == "vault")
        return Split::Vault;
    return fail(Code::BadInput, fmt::format("\"{}\" is no split that is judged.", name), "Ask for guide, gate or vault.");
}

Exam::Exam(const JudgeSpec& spec, const Domain& domain, std::uint64_t seed)
    : m_plugin(spec.domain), m_corpus(spec.corpus), m_domain(&domain), m_seed(seed), m_question(static_cast<std::uint64_t>(spec.question)), m_feedback(spec.feedback)
{
}

Result<Exam> Exam::open(const JudgeSpec& spec, const Domain& domain)
{
    RATCHET_TRY(secret, readFile(std::filesystem::path(spec.closedFolder) / "secret", 4096));
    if (secret.size() < 32)
        return fail(Code::BadInput, "The judge's secret is too short.", "Make a new lab.");
    const auto seed = std::stoull(hashOf("ratchet judge " + secret).hex.substr(0, 16), nullptr, 16);
    return Exam(spec, domain, seed);
}

Rng Exam::stream(const std::string& name) const
{
    return Rng::stream(m_seed, name, m_question);
}

Result<std::vector<ExamItem>> Exam::draw(const Ask& ask)
{
    std::vector<ExamItem> items;
    if (ask.suite == "feedback") {
        for (; m_feedbackUsed < m_feedback.size() && static_cast<int>(items.size()) < ask.count; ++m_feedbackUsed) {
            ExamItem item;
            const Json& given = m_feedback[m_feedbackUsed];
            RATCHET_CHECK(Fields(given, "a corrected item").read("question", item.item.question).read("answer", item.correction).status());
            item.item.id = item.item.question.dump();
            items.push_back(std::move(item));
        }
        return items;
    }
    RATCHET_TRY(split, splitFromText(ask.split));
    const bool made = isMadeByJudge(ask.suite);
    if (made && split != Split::Guide)
        return fail(Code::BadInput, fmt::format("The suite {} is made of guide items only.", ask.suite));
    const auto name = fmt::format("{}/{}", ask.suite, ask.split);
    const Rng first = ask.suite == fixedProbe ? Rng::stream(m_seed, name, 0) : stream(name);     // 0 is no question's number
    Rng& rng = m_streams.try_emplace(name, first).first->second;
    const auto drawn = guarded(m_plugin, [&] {
        const std::string suite = made ? m_domain->suites().front().name : ask.suite;
        for (int left = ask.count * mostDrawsEach; static_cast<int>(items.size()) < ask.count && left > 0; --left) {
            Item item = m_domain->draw(suite, split, rng);
            if (m_domain->splitOf(item) != split)
                return false;
            if (ask.suite != paraphraseProbe || m_domain->paraphrase(item, rng))
                items.push_back({std::move(item), {}});
        }
        return static_cast<int>(items.size()) == ask.count;
    });
    if (!drawn)
        return passOn(drawn);
    if (!*drawn)
        return fail(Code::Failed, fmt::format("The domain {} drew an item of {} from outside its {} split, or found too few.", m_plugin, ask.suite, ask.split));
    return items;
}

Check Exam::checkSplits(const Genome& genome, const std::string& who, int samples) const
{
    Check check{who + " overlap", true, {}};
    Rng rng = stream("overlap");
    int astray = 0, shared = 0;
    const auto done = guarded(m_plugin, [&] {
        std::set<std::string> judged;
        for (const auto& suite : m_domain->suites())
            for (const auto split : {Split::Guide, Split::Gate, Split::Vault})
                for (int i = 0; i < samples; ++i) {
                    const Item item = m_domain->draw(suite.name, split, rng);
                    astray += m_domain->splitOf(item) != split ? 1 : 0;
                    judged.insert(item.id);
                }
        for (int i = 0; i < samples; ++i)
            for (const auto& item : {m_domain->drawTraining(genome.data, rng), m_domain->drawHarder(genome.data, genome.data.level + 1, rng)}) {
                astray += m_domain->splitOf(item) != Split::Train ? 1 : 0;
                shared += judged.contains(item.id) ? 1 : 0;
            }
        return true;
    });
    check.ok = done.has_value() && astray == 0 && shared == 0;
    check.detail = done ? fmt::format("{} items outside their split, {} training items among judged ones", astray, shared) : done.error().text;
    return check;
}

Check Exam::checkGrading(const Genome& genome, const std::string& who, int samples) const
{
    Check check{who + " grading", true, {}};
    Rng rng = stream("grading");
    int wrong = 0;
    const auto done = guarded(m_plugin, [&] {
        const bool exact = m_domain->info().measure == Measure::ExactMatch;
        const std::string suite = m_domain->suites().front().name;
        for (int i = 0; i < samples && exact; ++i) {
            const Item item = m_domain->draw(suite, Split::Guide, rng);
            const Example example = m_domain->example(item, genome.reasoning);
            wrong += m_domain->grade(item, example.completion, genome.reasoning).score < 1 ? 1 : 0;
            wrong += m_domain->grade(item, "", genome.reasoning).score > 0 ? 1 : 0;
        }
        return true;
    });
    check.ok = done.has_value() && wrong == 0;
    check.detail = done ? fmt::format("{} known answers graded wrongly", wrong) : done.error().text;
    return check;
}

Check Exam::checkChance(const Genome& genome, const std::string& who, int samples) const
{
    Check check{who + " chance", true, {}};
    Rng rng = stream("chance");
    int asked = 0, another = 0, same = 0, copied = 0;
    const auto done = guarded(m_plugin, [&] {
        if (m_domain->info().measure != Measure::ExactMatch)
            return true;
        const auto right = [&](const Item& item, const std::string& completion) {
            return m_domain->grade(item, completion, genome.reasoning).score >= 1 ? 1 : 0;
        };
        for (const auto& suite : m_domain->suites()) {
            Item before = m_domain->draw(suite.name, Split::Guide, rng);
            for (int i = 0; i < samples; ++i, ++asked) {
                Item item = m_domain->draw(suite.name, Split::Guide, rng);
                another += right(item, m_domain->example(before, genome.reasoning).completion);
                same += m_domain->grade(item, "", genome.reasoning).expected == m_domain->grade(before, "", genome.reasoning).expected ? 1 : 0;
                copied += right(item, m_domain->example(item, genome.reasoning).prompt);
                before = std::move(item);
            }
        }
        return true;
    });
    const int tolerated = asked / 20;
    check.ok = done.has_value() && another - same <= tolerated && copied <= tolerated;
    check.detail = done ? fmt::format("of {} items {} are answered by another one's answer, {} by a copy of the prompt", asked, another, copied)
                        : done.error().text;
    return check;
}

Check Exam::checkLeak(const Genome& genome, int samples) const
{
    Check check{corpusOverlap, true, "there is no corpus"};
    if (m_corpus.empty())
        return check;
    const auto corpus = Corpus::open(m_corpus);
    const bool text = m_domain->info().corpus == CorpusUse::Text;
    Overlap overlap(text ? Overlap::passages : Overlap::questions);
    Rng rng = stream("leak");
    const auto done = guarded(m_plugin, [&] {
        for (const auto& suite : m_domain->suites())
            for (const auto split : {Split::Gate, Split::Vault})
                for (int i = 0; i < samples; ++i) {
                    const Example example = m_domain->example(m_domain->draw(suite.name, split, rng), genome.reasoning);
                    overlap.addJudged(text ? example.prompt + example.completion : example.prompt);
                }
        return true;
    });
    if (!corpus || !done)
        return {check.name, false, corpus ? done.error().text : corpus.error().text};
    for (const Split split : {Split::Train, Split::Guide})
        for (const auto document : corpus->documents(split))
            overlap.addTrained(text ? document : questionIn(document));
    check.ok = overlap.leaked() == 0;
    check.detail = fmt::format("{} of {} judged texts stand in the documents of training and guide", overlap.leaked(), overlap.judged());
    return check;
}

namespace {

// As "judge/secret": the folder by what it is.
Status addHashes(Json& files, const std::string& what, const std::filesystem::path& folder)
{
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        RATCHET_TRY(hash, hashOfFile(entry.path()));
        files[what + "/" + entry.path().filename().string()] = hash.hex;
    }
    if (error)
        return fail(Code::NotFound, fmt::format("The {}'s folder cannot be read: {}.", what, error.message()));
    return {};
}

} // namespace

Result<Json> evaluatorFiles(const JudgeSpec& spec)
{
    Json files = Json::object();
    for (const auto& [name, artifact] : {std::pair("champion", &spec.champion), std::pair("challenger", &spec.challenger)}) {
        if (artifact->version.empty())
            continue;
        RATCHET_TRY(hash, hashOfFile(artifact->weights));
        files[name] = hash.hex;
    }
    if (const auto domain = domainFile(spec.domain); !domain.empty()) {
        RATCHET_TRY(hash, hashOfFile(domain));
        files["domain"] = hash.hex;
    }
    RATCHET_CHECK(addHashes(files, "judge", spec.closedFolder));
    if (!spec.corpus.empty())
        RATCHET_CHECK(addHashes(files, "corpus", spec.corpus));
    return files;
}

} // namespace ratchet
