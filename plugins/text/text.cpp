// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/text/text.h"

#include <algorithm>
#include <stdexcept>

#include "core/genome/genome_paths.h"

namespace ratchet::text {
namespace {

constexpr std::array splitNames{"train", "guide", "gate", "vault"};   // in the order of Split
constexpr std::size_t judgedBytes = 256;
constexpr std::size_t shortBytes = 64;
constexpr int mostTrainingBytes = 1 << 16;

Split splitNamed(const std::string& name)
{
    const auto found = std::find(splitNames.begin(), splitNames.end(), name);
    if (found == splitNames.end())
        throw std::invalid_argument("there is no split \"" + name + "\"");
    return static_cast<Split>(found - splitNames.begin());
}

bool isInsideCharacter(std::string_view text, std::size_t at)
{
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

std::size_t trainingBytes(const Data& data)
{
    const auto bytes = data.mixture.find("bytes");
    if (data.mixture.size() != 1 || bytes == data.mixture.end() || !bytes->is_number_integer() || bytes->get<std::int64_t>() < 8
        || bytes->get<std::int64_t>() > mostTrainingBytes)
        throw std::invalid_argument("the mixture must be {\"bytes\": 8 .. 65536} and nothing else");
    return bytes->get<std::size_t>();
}

} // namespace

std::string kindOf(std::string_view piece)
{
    std::size_t digits = 0, foreign = 0, punctuation = 0, words = 0, capitals = 0;
    bool inWord = false;
    for (const char c : piece) {
        const bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
        digits += c >= '0' && c <= '9' ? 1 : 0;
        foreign += static_cast<unsigned char>(c) >= 0x80 ? 1 : 0;
        punctuation += c > ' ' && c < 0x7f && !lower && !upper && !(c >= '0' && c <= '9') ? 1 : 0;
        words += (lower || upper) && !inWord ? 1 : 0;
        capitals += upper && !inWord ? 1 : 0;
        inWord = lower || upper;
    }
    const std::size_t size = std::max<std::size_t>(piece.size(), 1);
    if (digits * 20 > size)
        return "numbers";
    if (foreign * 20 > size)
        return "foreign";
    if (punctuation * 10 > size)
        return "punctuation";
    return capitals * 4 > words ? "names" : "prose";
}

DomainInfo Text::info() const
{
    DomainInfo info;
    info.name = "text";
    info.title = "Text, byte by byte";
    info.measure = Measure::BitsPerByte;
    info.corpus = CorpusUse::Text;
    info.defaultGoal = "bits per byte <= 2.2 on text";
    info.defaultTrialBudget = Flops{6e11};
    info.defaultBudget = Flops{2e13};
    return info;
}

// 0.3 M parameters. Pieces are twice as long as the context: training reads a window of each.
Genome Text::seedGenome() const
{
    Genome genome;
    genome.architecture.layers = 2;
    genome.architecture.width = 96;
    genome.architecture.heads = 4;
    genome.architecture.kvHeads = 4;
    genome.architecture.feedForwardWidth = 384;
    genome.architecture.context = 128;
    genome.recipe.learningRate = 1e-3;
    genome.recipe.batch = 32;
    genome.data.mixture = {{"bytes", 256}};
    return genome;
}

Json Text::searchSpace() const
{
    const auto range = [](double low, double high) { return Json{{"low", low}, {"high", high}}; };
    const auto rate = [](double low, double high) { return Json{{"low", low}, {"high", high}, {"log", true}}; };
    const auto choices = [](Json values) { return Json{{"choices", std::move(values)}}; };
    Json paths = Json::object();
    paths["/architecture/layers"] = {{"low", 1}, {"high", 6}, {"integer", true}};
    paths["/architecture/width"] = choices({64, 96, 128, 192, 256});
    paths["/architecture/heads"] = choices({2, 4, 8});
    paths["/architecture/kvHeads"] = choices({1, 2, 4, 8});
    paths["/architecture/feedForward"] = choices({"gelu", "relu2", "swiglu"});
    paths["/architecture/feedForwardWidth"] = choices({128, 256, 384, 512, 768, 1024});
    paths["/architecture/norm"] = choices({"layernorm", "rmsnorm"});
    paths["/architecture/positions"] = choices({"learned", "rope", "none"});
    paths["/architecture/qkNorm"] = choices({false, true});
    paths["/architecture/tied"] = choices({false, true});
    paths["/architecture/softCap"] = choices({0.0, 15.0, 30.0});
    paths["/recipe/optimizer"] = choices({"adamw", "muon", "lion"});
    paths["/recipe/learningRate"] = rate(1e-4, 2e-2);
    paths["/recipe/schedule"] = choices({"constant", "cosine", "linear", "wsd"});
    paths["/recipe/warmup"] = range(0, 0.2);
    paths["/recipe/batch"] = choices({8, 16, 32, 64});
    paths["/recipe/weightDecay"] = range(0, 0.2);
    paths["/recipe/ema"] = choices({0.0, 0.99, 0.995, 0.999});
    paths["/recipe/dropout"] = range(0, 0.2);
    paths["/architecture/experts"] = choices({0, 4});
    paths["/adaptation/method"] = choices({"full", "lora"});
    paths["/adaptation/frozenLayers"] = {{"low", 0}, {"high", 6}, {"integer", true}};
    paths["/recipe/distillation"] = range(0, 0.9);
    paths["/architecture/window"] = choices({0, 32, 64});
    paths["/recipe/start"] = choices({"scratch", "continue"});
    paths["/architecture/context"] = choices({64, 128, 256});
    paths.update(usualBounds({"/adaptation/rank", "/architecture/expertsPerToken", "/recipe/distillationTemperature"}));
    return {{"paths", paths}, {"maxParameters", 4'000'000}};
}

// Short pieces are what a user's first words are; a model that trades them for long context is caught by them.
std::vector<SuiteSpec> Text::suites() const
{
    return {{"text", "pieces of 256 bytes", SuiteRole::Target, 0}, {"text-short", "pieces of 64 bytes", SuiteRole::Retained, 0.01}};
}

Status Text::openCorpus(const std::string& folder)
{
    RATCHET_TRY(corpus, Corpus::open(folder));
    for (std::size_t i = 0; i < m_ends.size(); ++i) {
        m_ends[i].clear();
        for (const auto document : corpus.documents(static_cast<Split>(i)))
            m_ends[i].push_back((m_ends[i].empty() ? 0 : m_ends[i].back()) + document.size());
    }
    if (m_ends[0].empty())
        return fail(Code::Damaged, "The corpus has no text to train on.", "Make a new lab from a longer text.");
    m_corpus.emplace(std::move(corpus));
    return {};
}

// Uniform over the bytes of the split: a place is drawn, and the piece around it moved to fit into its document.
Item Text::drawPiece(Split split, std::size_t bytes, Rng& rng) const
{
    if (!m_corpus)
        throw std::logic_error("the corpus was not opened");
    const auto& ends = m_ends[static_cast<std::size_t>(split)];
    if (ends.empty())
        throw std::logic_error(std::string("the ") + splitNames[static_cast<std::size_t>(split)] + " split cannot be seen from here");
    const std::size_t at = rng.below(ends.back());
    const auto index = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), at) - ends.begin());
    const auto document = m_corpus->documents(split)[index];
    const std::size_t inside = at - (index == 0 ? 0 : ends[index - 1]);
    std::size_t begin = std::min(inside, document.size() - std::min(bytes, document.size()));
    while (begin > 0 && isInsideCharacter(document, begin))
        --begin;
    std::size_t end = std::min(begin + bytes, document.size());
    while (end > begin + 1 && isInsideCharacter(document, end))
        --end;
    const char* name = splitNames[static_cast<std::size_t>(split)];
    return {std::string(name) + "/" + std::to_string(index) + "/" + std::to_string(begin) + "+" + std::to_string(end - begin),
            Json{{"split", name}, {"document", index}, {"offset", begin}, {"bytes", end - begin}}};
}

std::string_view Text::piece(const Json& question) const
{
    if (question.contains("text"))
        return question.at("text").get_ref<const std::string&>();
    if (!m_corpus)
        throw std::logic_error("the corpus was not opened");
    const auto& documents = m_corpus->documents(splitNamed(question.at("split").get<std::string>()));
    const auto document = documents.at(question.at("document").get<std::size_t>());
    const auto offset = question.at("offset").get<std::size_t>(), bytes = question.at("bytes").get<std::size_t>();
    if (offset > document.size() || bytes > document.size() - offset)
        throw std::out_of_range("the question " + question.dump() + " lies outside its document");
    return document.substr(offset, bytes);
}

Item Text::drawTraining(const Data& data, Rng& rng) const
{
    return drawPiece(Split::Train, trainingBytes(data), rng);
}

Item Text::draw(const std::string& suite, Split split, Rng& rng) const
{
    if (suite != "text" && suite != "text-short")
        throw std::invalid_argument("there is no suite \"" + suite + "\"");
    return drawPiece(split, suite == "text" ? judgedBytes : shortBytes, rng);
}

// What a user typed belongs to training: no judged document is made of it.
Split Text::splitOf(const Item& item) const
{
    const auto slash = item.id.find('/');
    return item.id.starts_with("typed:") ? Split::Train : splitNamed(item.id.substr(0, slash));
}

Example Text::example(const Item& item, const Reasoning&) const
{
    if (item.question.contains("text"))
        return {std::string(piece(item.question)), {}};
    return {{}, std::string(piece(item.question))};
}

Result<Example> Text::exampleWith(const Item& item, const std::string& answer, const Reasoning&) const
{
    if (answer.empty() || answer.size() > judgedBytes * 16)
        return fail(Code::BadInput, "A continuation must have 1 to 4096 bytes.");
    return item.question.contains("text") ? Example{std::string(piece(item.question)), answer} : Example{{}, answer};
}

Grade Text::grade(const Item& item, std::string_view completion, const Reasoning& reasoning) const
{
    Grade grade;
    grade.answer = std::string(completion);
    grade.expected = example(item, reasoning).completion;
    grade.score = !completion.empty() && completion == grade.expected ? 1 : 0;
    grade.failureClass = grade.score > 0 ? "" : kindOf(piece(item.question));
    return grade;
}

Result<Item> Text::parse(std::string_view prompt) const
{
    if (prompt.empty())
        return fail(Code::BadInput, "There is nothing to continue.", "Write the beginning of a text.");
    Item item{"typed:" + std::string(prompt), Json{{"text", std::string(prompt)}}};
    try {
        static_cast<void>(item.question.dump());
    } catch (const Json::exception&) {
        return fail(Code::BadInput, "The prompt is no UTF-8 text.", "Send UTF-8.");
    }
    return item;
}

int Text::longestExample(const Data& data, const Reasoning&) const
{
    return static_cast<int>(trainingBytes(data));
}

std::vector<std::string> Text::failureClasses() const
{
    return {"prose", "names", "punctuation", "numbers", "foreign"};
}

} // namespace ratchet::text

RATCHET_PLUGIN("text", ratchet::text::Text)
