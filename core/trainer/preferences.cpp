// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/preferences.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace ratchet
{
namespace
{

constexpr int fewestSamples = 4; // as of expert iteration
constexpr std::size_t batchItems = 256;
constexpr std::size_t hopeless = 1024; // items drawn for one with a pair: rarer ones are not looked for

class Collection
{
public:
    Collection(const Voter& parent, const TrainSpec& spec, const Genome& child, const Domain& domain,
               const Tokenizer& tokenizer, const PreferenceOptions& options)
        : m_parent(parent), m_spec(spec), m_child(child), m_domain(domain), m_tokenizer(tokenizer), m_options(options),
          m_samples(std::max({fewestSamples, child.reasoning.samples, parent.genome.reasoning.samples})),
          m_room(static_cast<std::size_t>(
              std::min(child.architecture.context, parent.genome.architecture.context))),
          m_before(parent.model->flopsUsed())
    {
    }
    [[nodiscard]] Result<Preferences> run();

private:
    [[nodiscard]] bool isFull() const { return m_pairs.size() >= m_options.pairs; }
    [[nodiscard]] double spent() const { return m_parent.model->flopsUsed() - m_before; }
    void addUsers();
    [[nodiscard]] Result<Preference> read(const Json& preference) const;
    [[nodiscard]] const char* faultOf(const Preference& pair) const;
    [[nodiscard]] Status askParent();
    [[nodiscard]] std::size_t affordable() const;
    [[nodiscard]] Result<std::vector<Item>> nextItems(std::size_t count, Rng& rng);
    void grade(const Item& item, const ModelReplies& replies);
    [[nodiscard]] tl::unexpected<Error> nothing() const;

    const Voter& m_parent;
    const TrainSpec& m_spec;
    const Genome& m_child;
    const Domain& m_domain;
    const Tokenizer& m_tokenizer;
    const PreferenceOptions& m_options;
    int m_samples;
    std::size_t m_room; // tokens of a row
    double m_before;
    std::vector<Preference> m_pairs;
    std::size_t m_users = 0, m_drawn = 0, m_asked = 0, m_mixed = 0, m_allRight = 0, m_replayed = 0;
    std::map<std::string, int> m_leftOut;
};

Result<Preference> Collection::read(const Json& preference) const
{
    const Item item{{}, preference.at("question")};
    RATCHET_TRY(chosen, m_domain.exampleWith(item, preference.at("chosen"), m_child.reasoning));
    RATCHET_TRY(rejected, m_domain.exampleWith(item, preference.at("rejected"), m_child.reasoning));
    return Preference{std::move(chosen), std::move(rejected)};
}

// Why a pair cannot be learnt from; null when it can.
const char* Collection::faultOf(const Preference& pair) const
{
    if (pair.chosen.completion == pair.rejected.completion)
        return "equal";
    if (isJudged(pair.chosen, m_domain))
        return "judged";
    for (const Example* example : {&pair.chosen, &pair.rejected}) {
        const auto prompt = m_tokenizer.encodePrompt(example->prompt), rest = m_tokenizer.encode(example->completion);
        if (!prompt || !rest)
            return "unwritable";
        if (prompt->size() + rest->size() > m_room)
            return "long";
    }
    return nullptr;
}

void Collection::addUsers()
{
    for (const Json& preference : m_spec.preferences) {
        if (isFull())
            return;
        try {
            auto pair = read(preference);
            const char* const fault = pair ? faultOf(*pair) : "unwritable";
            if (fault)
                ++m_leftOut[fault];
            else
                m_pairs.push_back(std::move(*pair));
        } catch (const std::exception&) { // a question that the domain cannot read
            ++m_leftOut["unreadable"];
        }
    }
}

// Items that can be asked if every answer goes on to the end of the context.
std::size_t Collection::affordable() const
{
    const Architecture& architecture = m_parent.genome.architecture;
    const double worst =
        m_samples * static_cast<double>(architecture.context) *
        trainingFlops(architecture, m_tokenizer.vocabulary(), architecture.context).value / 3;
    return static_cast<std::size_t>(std::clamp((m_options.flops - spent()) / worst, 0.0, double(batchItems)));
}

// Failures that are replayed, then draws of the mixture; without what is too long for the parent.
Result<std::vector<Item>> Collection::nextItems(std::size_t count, Rng& rng)
{
    std::vector<Item> items;
    for (; count > 0; --count) {
        const bool replays = m_replayed < m_spec.replay.size();
        Item item = replays ? Item{{}, m_spec.replay[m_replayed++]} : m_domain.drawTraining(m_child.data, rng);
        if (!replays && m_domain.splitOf(item) != Split::Train)
            return fail(Code::Failed, fmt::format("The domain gave \"{}\" to train on, which a judge may ask.", item.id),
                        "Mend the plugin's drawTraining: its items must belong to the split Train.");
        const Example example = m_domain.example(item, m_parent.genome.reasoning);
        if (m_parent.model->fits(example.prompt) && !isJudged(example, m_domain))
            items.push_back(std::move(item));
    }
    return items;
}

void Collection::grade(const Item& item, const ModelReplies& replies)
{
    const auto [right, wrong] = contrastOf(replies);
    m_allRight += right && !wrong ? 1 : 0;
    if (!right || !wrong)
        return;
    ++m_mixed;
    const std::string prompt = m_domain.example(item, m_parent.genome.reasoning).prompt;
    Preference pair{{prompt, right->completion}, {prompt, wrong->completion}};
    if (const char* const fault = faultOf(pair))
        ++m_leftOut[fault];
    else if (!isFull())
        m_pairs.push_back(std::move(pair));
}

Status Collection::askParent()
{
    Rng rng = Rng::stream(m_options.seed, "preferences");
    std::uint64_t batch = 0;
    while (!isFull() && m_drawn < hopeless * (1 + m_mixed)) {
        const std::size_t count = affordable();
        if (count == 0)
            break;
        RATCHET_TRY(items, nextItems(count, rng));
        m_drawn += count;
        m_asked += items.size();
        if (items.empty())
            continue;
        RATCHET_TRY(replies, ask({m_parent}, m_domain, items, m_samples, m_options.seed, batch++));
        for (std::size_t i = 0; i < items.size(); ++i)
            grade(items[i], replies[i]);
        if (m_options.onAsked)
            m_options.onAsked(spent());
    }
    return {};
}

tl::unexpected<Error> Collection::nothing() const
{
    std::string text = "There is no pair to learn preferences from: ";
    if (m_spec.preferences.empty())
        text += "users gave none";
    else
        text += fmt::format("of {} that users gave all were left out ({})", m_spec.preferences.size(),
                            Json(m_leftOut).dump());
    if (m_domain.info().measure != Measure::ExactMatch)
        text += ", and the domain has no checker";
    else if (m_asked == 0)
        text += ", and the budget does not pay for asking the parent once";
    else
        text += fmt::format(", and of {} training items asked {} times each {} have both right and wrong answers "
                            "({} have right ones only)",
                            m_asked, m_samples, m_mixed, m_allRight);
    return fail(Code::Failed, text + ".", "The parent has to be right on some items now and then; or collect corrections.");
}

Result<Preferences> Collection::run()
{
    addUsers();
    m_users = m_pairs.size();
    if (m_domain.info().measure == Measure::ExactMatch && !isFull())
        RATCHET_CHECK(askParent());
    if (m_pairs.empty())
        return nothing();
    Preferences result;
    result.flops = spent();
    result.report = {{"pairs", m_pairs.size()},
                     {"users", m_users},
                     {"graded", m_pairs.size() - m_users},
                     {"asked", m_asked},
                     {"samples", m_samples},
                     {"mixed", m_asked > 0 ? static_cast<double>(m_mixed) / static_cast<double>(m_asked) : 0.0},
                     {"leftOut", Json::object()},
                     {"flops", result.flops}};
    for (const auto& [fault, count] : m_leftOut)
        result.report["leftOut"][fault] = count;
    result.pairs = std::move(m_pairs);
    return result;
}

} // namespace

Contrast contrastOf(const ModelReplies& replies)
{
    Contrast contrast;
    for (const ModelReply& reply : replies) {
        const ModelReply*& best = reply.score >= 1 ? contrast.right : contrast.wrong;
        if (reply.ended && (!best || reply.confidence > best->confidence))
            best = &reply;
    }
    return contrast;
}

Result<Preferences> collectPreferences(const Voter& parent, const TrainSpec& spec, const Genome& child,
                                       const Domain& domain, const Tokenizer& tokenizer,
                                       const PreferenceOptions& options)
{
    return Collection(parent, spec, child, domain, tokenizer, options).run();
}

} // namespace ratchet
