// SPDX-License-Identifier: GPL-3.0-or-later
// Each message is described once (describe()); a Writer and a Reader walk the same description, so that both directions
// cannot drift apart.
#include "core/launch/messages.h"

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "core/launch/text.h"

namespace ratchet {
namespace {

struct Range {
    double low = -std::numeric_limits<double>::max();
    double high = std::numeric_limits<double>::max();
};
constexpr Range any{};
constexpr Range atLeastZero{0, std::numeric_limits<double>::max()};
constexpr Range share{0, 1};
constexpr Range probability{0, 1 + 1e-6};   // a product of rounded single-precision probabilities

enum class Shape { Any, Object, ObjectOrNull };

template <typename A> void describe(A& a, Artifact& m)
{
    a.field("version", m.version);
    a.json("genome", m.genome, Shape::ObjectOrNull);
    a.field("weights", m.weights);
}

template <typename A> void describe(A& a, TrainSpec& m)
{
    a.field("trial", m.trial, atLeastZero);
    a.field("seed", m.seed);
    a.field("domain", m.domain);
    a.field("corpus", m.corpus);
    a.json("genome", m.genome, Shape::Object);
    a.json("parentGenome", m.parentGenome, Shape::ObjectOrNull);
    a.field("parentWeights", m.parentWeights);
    a.field("budgetFlops", m.budgetFlops, atLeastZero);
    a.field("scratch", m.scratch);
    a.list("replay", m.replay);
    a.list("feedback", m.feedback);
    a.field("checkpointSeconds", m.checkpointSeconds, atLeastZero);
    a.list("teachers", m.teachers);
    a.json("tokenizer", m.tokenizer, Shape::ObjectOrNull);
    a.list("members", m.members);
    a.field("memoryBytes", m.memoryBytes, atLeastZero);
    a.list("preferences", m.preferences);
    a.field("proxy", m.proxy, share);
    a.field("parentMoments", m.parentMoments);
    a.field("keepsMoments", m.keepsMoments);
}

template <typename A> void describe(A& a, JudgeSpec& m)
{
    a.field("domain", m.domain);
    a.field("corpus", m.corpus);
    a.field("closedFolder", m.closedFolder);
    a.field("question", m.question, atLeastZero);
    a.object("champion", m.champion);
    a.object("challenger", m.challenger);
    a.list("feedback", m.feedback);
    a.json("tokenizer", m.tokenizer, Shape::ObjectOrNull);
}

template <typename A> void describe(A& a, Ask& m)
{
    a.field("suite", m.suite);
    a.choice("split", m.split, {"guide", "gate", "vault"});
    a.field("count", m.count, Range{0, 1e7});
}

template <typename A> void describe(A& a, ServeSpec& m)
{
    a.field("domain", m.domain);
    a.field("corpus", m.corpus);
    a.field("host", m.host);
    a.field("port", m.port, Range{0, 65535});
    a.field("token", m.token);
    a.object("champion", m.champion);
    a.json("tokenizer", m.tokenizer, Shape::ObjectOrNull);
}

template <typename A> void describe(A& a, Load& m) { a.object("champion", m.champion); }

template <typename A> void describe(A&, Proceed&) {}

template <typename A> void describe(A& a, RewardSpec& m)
{
    a.choice("task", m.task, {"learn", "grade", "score"});
    a.field("domain", m.domain);
    a.field("corpus", m.corpus);
    a.json("tokenizer", m.tokenizer, Shape::ObjectOrNull);
    a.field("seed", m.seed);
    a.list("versions", m.versions);
    a.object("model", m.model);
    a.list("feedback", m.feedback);
    a.field("items", m.items, Range{0, 1e6});
    a.field("budgetFlops", m.budgetFlops, atLeastZero);
    a.field("memoryBytes", m.memoryBytes, atLeastZero);
    a.field("scratch", m.scratch);
}

template <typename A> void describe(A&, Stop&) {}

template <typename A> void describe(A& a, Hello& m)
{
    a.field("protocol", m.protocol, atLeastZero);
    a.field("version", m.version);
    a.field("role", m.role);
    a.field("pid", m.pid, atLeastZero);
    a.json("sandbox", m.sandbox, Shape::ObjectOrNull);
    a.json("platform", m.platform, Shape::ObjectOrNull);
}

template <typename A> void describe(A& a, Failure& m)
{
    a.field("code", m.code);
    a.field("text", m.text);
}

template <typename A> void describe(A& a, Progress& m)
{
    a.field("step", m.step, atLeastZero);
    a.field("tokens", m.tokens, atLeastZero);
    a.field("flops", m.flops, atLeastZero);
    a.field("fraction", m.fraction, share);
    a.field("loss", m.loss);
    a.field("stage", m.stage);
    a.field("secondsLeft", m.secondsLeft, atLeastZero);
}

template <typename A> void describe(A& a, Points& m)
{
    a.field("step", m.step, atLeastZero);
    a.list("values", m.values);
}

template <typename A> void describe(A& a, LayerStatistics& m)
{
    a.field("layer", m.layer);
    a.list("values", m.values);
    a.list("histogram", m.histogram, atLeastZero);
}

template <typename A> void describe(A& a, Observation& m)
{
    a.field("step", m.step, atLeastZero);
    a.list("layers", m.layers);
    a.json("attention", m.attention, Shape::Any);
}

template <typename A> void describe(A& a, Trained& m)
{
    a.field("weights", m.weights);
    a.field("steps", m.steps, atLeastZero);
    a.field("tokens", m.tokens, atLeastZero);
    a.field("length", m.length, atLeastZero);
    a.field("flops", m.flops, atLeastZero);
    a.field("seconds", m.seconds, atLeastZero);
    a.field("finalLoss", m.finalLoss);
    a.field("peakBytes", m.peakBytes, atLeastZero);
    a.json("selfTraining", m.selfTraining, Shape::Any);
    a.json("data", m.data, Shape::Any);
    a.field("observationSeconds", m.observationSeconds, atLeastZero);
    a.json("preference", m.preference, Shape::Any);
    a.json("population", m.population, Shape::Any);
    a.field("moments", m.moments);
    a.json("surgery", m.surgery, Shape::ObjectOrNull);
}

template <typename A> void describe(A& a, Proxy& m)
{
    a.field("step", m.step, atLeastZero);
    a.field("score", m.score, share);
    a.field("loss", m.loss);
    a.field("flops", m.flops, atLeastZero);
    a.field("items", m.items, atLeastZero);
}

template <typename A> void describe(A& a, Check& m)
{
    a.field("name", m.name);
    a.field("ok", m.ok);
    a.field("detail", m.detail);
}

template <typename A> void describe(A& a, Integrity& m)
{
    a.list("checks", m.checks);
    a.json("files", m.files, Shape::Any);
}

template <typename A> void describe(A& a, Sample& m)
{
    a.json("question", m.question, Shape::Any);
    a.field("prompt", m.prompt);
    a.field("expected", m.expected);
    a.field("champion", m.champion);
    a.field("challenger", m.challenger);
    a.field("championClass", m.championClass);
    a.field("challengerClass", m.challengerClass);
    a.field("championConfidence", m.championConfidence, probability);
    a.field("challengerConfidence", m.challengerConfidence, probability);
}

template <typename A> void describe(A& a, Scores& m)
{
    a.field("suite", m.suite);
    a.choice("split", m.split, {"guide", "gate", "vault"});
    a.list("champion", m.champion, share);
    a.list("challenger", m.challenger, share);
    a.list("championConfidence", m.championConfidence, probability);
    a.list("challengerConfidence", m.challengerConfidence, probability);
    a.json("championClasses", m.championClasses, Shape::Object);
    a.json("challengerClasses", m.challengerClasses, Shape::Object);
    a.list("samples", m.samples);
    a.field("seconds", m.seconds, atLeastZero);
    a.field("flops", m.flops, atLeastZero);
}

template <typename A> void describe(A& a, Verified& m)
{
    a.field("predicted", m.predicted, share);
    a.field("right", m.right);
    a.field("failureClass", m.failureClass);
    a.field("confidence", m.confidence, probability);
}

template <typename A> void describe(A& a, Graded& m)
{
    a.field("weights", m.weights);
    a.field("nothing", m.nothing);
    a.field("items", m.items, atLeastZero);
    a.field("shown", m.shown, atLeastZero);
    a.field("right", m.right, atLeastZero);
    a.field("unreadable", m.unreadable, atLeastZero);
    a.field("steps", m.steps, atLeastZero);
    a.list("answers", m.answers);
    a.field("flops", m.flops, atLeastZero);
}

template <typename A> void describe(A& a, Rewards& m)
{
    a.list("means", m.means, share);
    a.field("items", m.items, atLeastZero);
    a.field("flops", m.flops, atLeastZero);
}

template <typename A> void describe(A& a, Listening& m) { a.field("port", m.port, Range{1, 65535}); }

template <typename A> void describe(A& a, Served& m)
{
    a.field("version", m.version);
    a.field("prompt", m.prompt);
    a.field("completion", m.completion);
    a.field("seconds", m.seconds, atLeastZero);
}

template <typename A> void describe(A& a, FeedbackGiven& m)
{
    a.field("version", m.version);
    a.field("prompt", m.prompt);
    a.field("completion", m.completion);
    a.field("correction", m.correction);
    a.field("rating", m.rating, Range{-1, 1});
}

// Strings that are no UTF-8 (a byte-level model's answer) are cleaned on the sender's side; the reader refuses them.
Json cleaned(const Json& value)
{
    if (value.is_string())
        return cleanUtf8(value.get_ref<const std::string&>());
    if (!value.is_structured())
        return value;
    Json copy = value.is_array() ? Json::array() : Json::object();
    for (const auto& entry : value.items())
        if (value.is_array())
            copy.push_back(cleaned(entry.value()));
        else
            copy[cleanUtf8(entry.key())] = cleaned(entry.value());
    return copy;
}

class Writer {
public:
    Json result = Json::object();

    template <typename T> void field(const char* name, const T& value, Range = any) { result[name] = write(value); }
    void json(const char* name, const Json& value, Shape) { result[name] = cleaned(value); }
    void choice(const char* name, const std::string& value, std::initializer_list<const char*>) { result[name] = write(value); }
    template <typename T> void object(const char* name, T& value) { result[name] = write(value); }
    template <typename T> void list(const char* name, std::vector<T>& values, Range = any)
    {
        Json array = Json::array();
        for (auto& value : values)
            array.push_back(write(value));
        result[name] = std::move(array);
    }

private:
    template <typename T> static Json write(T& value)
    {
        using Plain = std::remove_const_t<T>;
        if constexpr (std::is_arithmetic_v<Plain>) {
            return value;
        } else if constexpr (std::is_same_v<Plain, std::string>) {
            return cleanUtf8(value);
        } else if constexpr (std::is_same_v<Plain, Json>) {
            return cleaned(value);
        } else if constexpr (std::is_same_v<Plain, std::pair<std::string, double>>) {
            return Json::array({cleanUtf8(value.first), value.second});
        } else {
            Writer nested;
            describe(nested, value);
            return std::move(nested.result);
        }
    }
};

class Reader {
public:
    Reader(const Json& object, const std::string& what) : m_fields(object, what), m_what(what) {}

    template <typename T> void field(const char* name, T& value, Range range = any)
    {
        m_fields.read(name, value);
        if constexpr (std::is_arithmetic_v<T>)
            if (!within(static_cast<double>(value), range))
                m_fields.fault(fmt::format("\"{}\" is out of range", name));
    }
    void json(const char* name, Json& value, Shape shape)
    {
        m_fields.read(name, value);
        if (shape != Shape::Any && !value.is_object() && !(shape == Shape::ObjectOrNull && value.is_null()))
            m_fields.fault(fmt::format("\"{}\" is not an object", name));
    }
    void choice(const char* name, std::string& value, std::initializer_list<const char*> allowed)
    {
        m_fields.read(name, value);
        if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
            m_fields.fault(fmt::format("\"{}\" is none of the known words", name));
    }
    template <typename T> void object(const char* name, T& value)
    {
        Json nested;
        m_fields.read(name, nested);
        read(name, nested, value, any);
    }
    template <typename T> void list(const char* name, std::vector<T>& values, Range range = any)
    {
        Json array;
        m_fields.read(name, array);
        if (!array.is_array()) {
            m_fields.fault(fmt::format("\"{}\" is not a list", name));
            return;
        }
        values.resize(array.size());
        for (std::size_t i = 0; i < array.size(); ++i)
            read(name, array[i], values[i], range);
    }
    void fault(const std::string& text) { m_fields.fault(text); }
    [[nodiscard]] Status status()
    {
        if (!m_nested)
            return tl::unexpected(m_nested.error());
        return m_fields.onlyKnown().status();
    }
    Fields& fields() { return m_fields; }

private:
    static bool within(double value, Range range) { return value >= range.low && value <= range.high; }
    template <typename T> void read(const char* name, const Json& json, T& value, Range range)
    {
        if constexpr (std::is_same_v<T, Json>) {
            value = json;
        } else if constexpr (std::is_arithmetic_v<T>) {
            const Json wrapped{{name, json}};
            Fields one(wrapped, m_what);
            if (!one.read(name, value).status() || !within(static_cast<double>(value), range))
                m_fields.fault(fmt::format("\"{}\" holds a number that is out of range or none at all", name));
        } else if constexpr (std::is_same_v<T, std::pair<std::string, double>>) {
            if (!json.is_array() || json.size() != 2 || !json[0].is_string() || !json[1].is_number())
                m_fields.fault(fmt::format("\"{}\" holds something that is no pair of name and number", name));
            else
                value = {json[0].get<std::string>(), json[1].get<double>()};
        } else {
            Reader nested(json, m_what + "." + name);
            describe(nested, value);
            if (const Status status = nested.status(); !status && m_nested)
                m_nested = status;
        }
    }

    Fields m_fields;
    std::string m_what;
    Status m_nested;
};

// What a description of single fields cannot say.
void checkWhole(Reader& in, const Scores& scores)
{
    if (!scores.challenger.empty() && scores.challenger.size() != scores.champion.size())
        in.fault("champion and challenger have different numbers of scores");
    for (const auto& [scored, sure] : {std::pair(&scores.champion, &scores.championConfidence), std::pair(&scores.challenger, &scores.challengerConfidence)})
        if (!sure->empty() && sure->size() != scored->size())
            in.fault("there are other numbers of confidences than of scores");
    if (scores.split == "gate" && !scores.samples.empty())
        in.fault("a gate answer carries samples");
    for (const Json* classes : {&scores.championClasses, &scores.challengerClasses})
        for (const Json& count : *classes)
            if (!count.is_number_integer() || count.get<std::int64_t>() < 0)
                in.fault("a failure class has no count");
}

void checkWhole(Reader& in, const TrainSpec& spec)
{
    for (const Json& item : spec.feedback)
        if (!item.is_object() || !item.contains("question") || !item.value("answer", Json()).is_string())
            in.fault("\"feedback\" holds something without question and answer");
    for (const Json& pair : spec.preferences)
        if (!pair.is_object() || !pair.contains("question") || !pair.value("chosen", Json()).is_string() ||
            !pair.value("rejected", Json()).is_string())
            in.fault("\"preferences\" holds something without question, chosen and rejected");
}

void checkWhole(Reader& in, const RewardSpec& spec)
{
    for (const Json& item : spec.feedback)
        if (!item.is_object() || !item.contains("question") || !item.value("answer", Json()).is_string() || !item.value("right", Json()).is_boolean())
            in.fault("\"feedback\" holds something without question, answer and whether it is right");
}

void checkWhole(Reader& in, const Graded& graded)
{
    if (graded.right > graded.shown)
        in.fault("more answers were right than there were");
    for (const Verified& answer : graded.answers)
        if (answer.right && !answer.failureClass.empty())
            in.fault("a right answer has a failure class");
}

template <typename T> void checkWhole(Reader&, const T&) {}

// The sentence that is wrong with some value anywhere in a document; empty when all is well.
std::string faultOf(const Json& value)
{
    if (value.is_number_float() && !std::isfinite(value.get<double>()))
        return "a number is not finite";
    if (value.is_binary())
        return "it holds raw bytes";
    if (value.is_string() && !isUtf8(value.get_ref<const std::string&>()))
        return "a text is not UTF-8";
    if (!value.is_structured())
        return {};
    for (const auto& entry : value.items()) {
        if (value.is_object() && !isUtf8(entry.key()))
            return "a name is not UTF-8";
        if (std::string fault = faultOf(entry.value()); !fault.empty())
            return fault;
    }
    return {};
}

// In the order of the variant.
constexpr std::array<const char*, std::variant_size_v<Message>> typeNames{
    "train", "judge", "ask", "serve", "load", "reward", "proceed", "stop", "hello", "failure", "progress", "points", "observation",
    "proxy", "trained", "integrity", "scores", "graded", "rewards", "listening", "served", "feedback"};

template <std::size_t index> Result<Message> readAs(const Json& json)
{
    std::variant_alternative_t<index, Message> value;
    Reader in(json, std::string("a \"") + typeNames[index] + "\" message");
    std::string type;
    in.field("type", type);
    describe(in, value);
    if (in.fields().status())
        checkWhole(in, value);
    RATCHET_CHECK(in.status());
    return Message(std::move(value));
}

template <std::size_t... index>
Result<Message> readNamed(const std::string& name, const Json& json, std::index_sequence<index...>)
{
    std::optional<Result<Message>> result;
    (void)((name == typeNames[index] && (result = readAs<index>(json), true)) || ...);
    return result ? *std::move(result) : fail(Code::BadInput, "A message is of a type that is not known.");
}

} // namespace

Failure failureOf(const Error& error)
{
    return {codeName(error.code), error.hint.empty() ? error.text : fmt::format("{} {}", error.text, error.hint)};
}

Json toJson(const Message& message)
{
    Writer out;
    std::visit([&](auto copy) { describe(out, copy); }, message);
    out.result["type"] = typeNames[message.index()];
    return std::move(out.result);
}

Result<Message> messageFromJson(const Json& json)
{
    if (!json.is_object() || !json.contains("type") || !json["type"].is_string())
        return fail(Code::BadInput, "A message has no type.");
    if (const std::string fault = faultOf(json); !fault.empty())
        return fail(Code::BadInput, fmt::format("In a message: {}.", fault));
    return readNamed(json["type"].get<std::string>(), json, std::make_index_sequence<std::variant_size_v<Message>>());
}

} // namespace ratchet
