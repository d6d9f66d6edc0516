// SPDX-License-Identifier: GPL-3.0-or-later
// What a domain plugin implements: a world with tasks, a checker and failure classes. This is the header a plugin includes.
// A domain is pure: the same arguments give the same answer, on any thread, in the worker, the judge and the engine alike.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.h"
#include "core/genome/genome.h"
#include "core/plugin/tools.h"

namespace ratchet {

// One task. `id` names it by content, so that equal tasks have equal ids in every process.
struct Item {
    std::string id;
    Json question;       // domain's own, for example {"a": "123", "b": "456"}
};

// An item as text for a model: loss is taken on the completion only; the completion does not hold the end token.
struct Example {
    std::string prompt;
    std::string completion;
};

struct Grade {
    double score = 0;            // 0 .. 1, 1 is right
    std::string failureClass;    // empty when right
    std::string answer;          // the completion read back in the domain's canonical form, for people
    std::string expected;
};

// exactMatch: an answer is generated and graded. bitsPerByte: the completion's likelihood is measured, lower is better.
enum class Measure { ExactMatch, BitsPerByte };

// One bit per byte: differences between two models on one text beyond it count as it, so that bets on small gains pay.
inline constexpr double boundedRange = 1.0 / 8;
// What the difference of two mean scores lies within.
[[nodiscard]] constexpr double differenceRange(Measure measure) { return measure == Measure::ExactMatch ? 1 : boundedRange; }

// Who may see a suite's items. Train is no suite: it is where training items come from.
enum class Split { Train, Guide, Gate, Vault };

// Target decides, Retained must not get worse, Probe is shown to people and decides nothing: longer, other, harder items than
// were trained.
enum class SuiteRole { Target, Retained, Probe };

// What `ratchet new --corpus` means to a domain: nothing; the text that it learns, which must be given; or a file of JSON
// lines that may be given instead of the items that the domain makes itself.
enum class CorpusUse { None, Text, Lines };

struct SuiteSpec {
    std::string name;            // "addition-3"
    std::string title;           // "addition, 3 digits"
    SuiteRole role = SuiteRole::Target;
    double margin = 0.02;        // retained: largest loss of score that counts as "not worse"; 0 to below differenceRange()
};

struct DomainInfo {
    std::string name;            // "arithmetic"
    std::string title;           // "Addition of whole numbers"
    Measure measure = Measure::ExactMatch;
    std::string alphabet;        // characters of the tokenizer; empty means all 256 bytes
    CorpusUse corpus = CorpusUse::None;
    std::string defaultGoal;     // "exact match >= 0.99 on addition-3"
    Flops defaultTrialBudget{4e11};
    Flops defaultBudget{1e13};
};

class Domain {
public:
    virtual ~Domain() = default;
    [[nodiscard]] virtual DomainInfo info() const = 0;
    [[nodiscard]] virtual Genome seedGenome() const = 0;
    [[nodiscard]] virtual Json searchSpace() const = 0;      // default SearchSpace document, the human may edit the copy in the lab
    [[nodiscard]] virtual std::vector<SuiteSpec> suites() const = 0;   // exactly one Target, first; no name twice

    // Reads the corpus named at `ratchet new --corpus`; called once before drawing when the lab has one. `folder` is the
    // lab's normalised copy (see core/plugin/corpus.h).
    virtual Status openCorpus(const std::string& folder) { (void)folder; return {}; }

    // One item for training under this genome's data section; never one whose split is not Train.
    [[nodiscard]] virtual Item drawTraining(const Data& data, Rng& rng) const = 0;
    // One item of a suite from the given split.
    [[nodiscard]] virtual Item draw(const std::string& suite, Split split, Rng& rng) const = 0;
    // One unlabelled item that is `steps` (1 and up) steps harder than what data's mixture trains, for self-training; its
    // split is Train. The default is another training item.
    [[nodiscard]] virtual Item drawHarder(const Data& data, int steps, Rng& rng) const
    {
        (void)steps;
        return drawTraining(data, rng);
    }
    // An item of the same split that differs a little from `item`, so that who fails one may fail the other: the step of an
    // adversarial search. Empty when the domain knows none or found none in this split.
    [[nodiscard]] virtual std::optional<Item> neighbour(const Item& item, Rng& rng) const
    {
        (void)item, (void)rng;
        return {};
    }
    // The same question in other words, with the same right answer; of the same split. Empty when there are none.
    [[nodiscard]] virtual std::optional<Item> paraphrase(const Item& item, Rng& rng) const
    {
        (void)item, (void)rng;
        return {};
    }
    // Which split an item belongs to, by its id.
    [[nodiscard]] virtual Split splitOf(const Item& item) const = 0;

    // The item with its right answer, in the genome's format.
    [[nodiscard]] virtual Example example(const Item& item, const Reasoning& reasoning) const = 0;
    // The item with this canonical answer instead of the right one (labels of a model, corrections of a user). BadInput when
    // the answer cannot be written in the format.
    [[nodiscard]] virtual Result<Example> exampleWith(const Item& item, const std::string& answer, const Reasoning& reasoning) const = 0;
    [[nodiscard]] virtual Grade grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const = 0;
    // Whether a completion can be an answer at all, seen without knowing the right one; for reasoning.selfCheck.
    [[nodiscard]] virtual bool passesCheck(const Item& item, std::string_view completion, const Reasoning& reasoning) const;
    // Item for a prompt a user typed to the server ("12+34="); BadInput when it is no question of this domain.
    [[nodiscard]] virtual Result<Item> parse(std::string_view prompt) const = 0;
    // Position id of every character of `text` (a prompt and what was generated so far) for positions "coupled"; ids of a
    // prefix do not change when text is appended; each is below `limit`.
    [[nodiscard]] virtual std::vector<int> coupledPositions(std::string_view text, const Reasoning& reasoning, int limit) const;
    // Longest prompt + completion in characters of training and of the suites that decide; a probe may be longer.
    [[nodiscard]] virtual int longestExample(const Data& data, const Reasoning& reasoning) const = 0;
    [[nodiscard]] virtual std::vector<std::string> failureClasses() const = 0;
    // What a model may call while it answers, if the genome's /tools/allowed names it.
    [[nodiscard]] virtual std::vector<Tool> tools() const { return {}; }
};

// Of the tools that the domain offers those that a genome allows.
[[nodiscard]] std::vector<Tool> allowedTools(const Domain& domain, const Tools& allowed);

// The domain's own version of the ABI; a plugin with another number is refused with its name.
inline constexpr int pluginAbi = 3;

struct PluginInfo {
    int abi = pluginAbi;
    const char* ratchetVersion;
    const char* name;
    Domain* (*create)();      // ownership passes to the caller
};

} // namespace ratchet

// Put once into the plugin's .cpp: RATCHET_PLUGIN("arithmetic", Arithmetic)
#define RATCHET_PLUGIN(pluginName, DomainClass)                                                                        \
    extern "C" __attribute__((visibility("default"))) const ratchet::PluginInfo ratchetPlugin{                         \
        ratchet::pluginAbi, RATCHET_VERSION, pluginName, [] { return static_cast<ratchet::Domain*>(new DomainClass); }};
