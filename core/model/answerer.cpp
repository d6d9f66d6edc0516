// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/answerer.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <string_view>

#include <fmt/format.h>

#include "core/genome/tokenizer.h"
#include "core/model/compat.h"
#include "core/model/ensemble.h"
#include "core/model/soundness.h"

namespace ratchet
{
namespace
{

constexpr std::size_t batchRows = 256; // prompts or windows run together

using Tokens = std::vector<std::int64_t>;

// [rows, longest] with `pad` on the right.
at::Tensor padded(const std::vector<Tokens>& rows, std::int64_t pad)
{
    std::size_t longest = 0;
    for (const Tokens& row : rows)
        longest = std::max(longest, row.size());
    const at::Tensor tensor =
        at::full({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)}, pad, at::kLong);
    for (std::size_t i = 0; i < rows.size(); ++i)
        std::copy(rows[i].begin(), rows[i].end(), tensor.data_ptr<std::int64_t>() + i * longest);
    return tensor;
}

// Index drawn with probability proportional to exp(logit / temperature), of the top k and the nucleus only.
std::int64_t sample(const float* logits, int count, const AnswerOptions& options, Rng& rng)
{
    const double largest = *std::max_element(logits, logits + count);
    std::vector<double> weights(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
        weights[static_cast<std::size_t>(i)] = std::exp((logits[i] - largest) / options.temperature);
    if (options.topK > 0 || options.topP < 1) {
        std::vector<std::size_t> order(weights.size());
        std::iota(order.begin(), order.end(), std::size_t(0));
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
        const double nucleus = options.topP * std::accumulate(weights.begin(), weights.end(), 0.0);
        const auto most = options.topK > 0 ? static_cast<std::size_t>(options.topK) : order.size();
        double before = 0; // weight of the likelier ones
        for (std::size_t i = 0; i < order.size(); ++i) {
            const bool isIn = i == 0 || (i < most && before < nucleus);
            before += weights[order[i]];
            weights[order[i]] *= isIn ? 1 : 0;
        }
    }
    return static_cast<std::int64_t>(rng.pick(weights));
}

double probabilityOf(const float* logits, int count, std::int64_t chosen)
{
    const double largest = *std::max_element(logits, logits + count);
    double sum = 0;
    for (int i = 0; i < count; ++i)
        sum += std::exp(logits[i] - largest);
    return std::exp(logits[chosen] - largest) / sum;
}

// How much of a text is whole characters: all but the first bytes of a UTF-8 character at its end.
std::size_t wholeCharacters(std::string_view text)
{
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xC0) == 0x80)
            continue;
        const std::size_t bytes = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return bytes > back ? text.size() - back : text.size();
    }
    return text.size();
}

// How much of a text cannot turn out to begin one of the stop texts.
std::size_t beforeAnyStop(std::string_view text, const std::vector<std::string>& stops)
{
    std::size_t least = text.size();
    for (const std::string& stop : stops)
        for (std::size_t begun = std::min(stop.size(), text.size()); begun > 0; --begun)
            if (text.ends_with(std::string_view(stop).substr(0, begun))) {
                least = std::min(least, text.size() - begun);
                break;
            }
    return least;
}

} // namespace

struct Answerer::Private {
    Private(const Genome& itsGenome, const Domain& itsDomain, Tokenizer itsTokenizer)
        : genome(itsGenome), domain(itsDomain), name(itsDomain.info().name), tools(allowedTools(itsDomain, itsGenome.tools)),
          tokenizer(std::move(itsTokenizer)), model(itsGenome, tokenizer.vocabulary())
    {
    }
    // One prompt on its way to an answer.
    struct Row {
        Row(Tokens its, const std::string& prompt, Rng draws) : tokens(std::move(its)), text(prompt), rng(draws) {}
        Tokens tokens;
        std::string text;
        Rng rng;
        Answer answer;
        std::int64_t limit = 0;
        bool done = false;
        std::deque<std::int64_t> written; // by a tool, still to be read by the model
        int calls = 0;
        std::size_t shown = 0; // bytes of the answer that onText was called with
    };

    [[nodiscard]] bool isCoupled() const { return genome.architecture.positions == "coupled"; }
    // Position ids of a row's tokens: the one of their first byte; special tokens have id 0.
    [[nodiscard]] Tokens positionsOf(const Row& row) const;
    [[nodiscard]] Result<Row> prepare(const std::string& prompt, std::size_t index, const AnswerOptions& options) const;
    void generate(std::vector<Row>& rows, const AnswerOptions& options, bool streams);
    void append(Row& row, const float* logits, const AnswerOptions& options) const;
    static void show(Row& row, const AnswerOptions& options);
    [[nodiscard]] std::int64_t choose(Row& row, const float* logits, const AnswerOptions& options) const;
    void runTools(Row& row) const;
    void dropFinished(const std::vector<Row>& rows, std::vector<std::size_t>& active, Caches& caches,
                      std::int64_t capacity) const;
    void charge(std::size_t tokens, std::size_t length)
    {
        flops += static_cast<double>(model.size() * tokens) *
                 trainingFlops(genome.architecture, tokenizer.vocabulary(), static_cast<int>(length)).value / 3;
    }
    // [rows, length, vocabulary], where the model is placed.
    [[nodiscard]] at::Tensor logProbabilities(const at::Tensor& tokens, const at::Tensor& positions,
                                              const ForwardOptions& options = {}) const;
    [[nodiscard]] std::vector<double> windowBits(const std::vector<Tokens>& windows,
                                                 const std::vector<std::size_t>& from);

    Genome genome;
    const Domain& domain;
    std::string name;
    std::vector<Tool> tools;
    Tokenizer tokenizer;
    Ensemble model;
    double flops = 0;
};

Tokens Answerer::Private::positionsOf(const Row& row) const
{
    if (!isCoupled())
        return {};
    Tokens positions = tokenizer.spread(
        row.tokens, domain.coupledPositions(row.text, genome.reasoning, genome.architecture.context));
    for (auto& id : positions)
        id = std::clamp<std::int64_t>(id, 0, genome.architecture.context - 1);
    return positions;
}

Result<Answerer::Private::Row> Answerer::Private::prepare(const std::string& prompt, std::size_t index,
                                                          const AnswerOptions& options) const
{
    RATCHET_TRY(tokens, tokenizer.encodePrompt(prompt));
    const std::int64_t room = genome.architecture.context - static_cast<std::int64_t>(tokens.size());
    if (room < 1)
        return fail(Code::BadInput,
                    fmt::format("The prompt has {} tokens, but the model reads {} at most.", tokens.size(),
                                genome.architecture.context),
                    "Shorten the prompt.");
    Row row(std::move(tokens), prompt, Rng::stream(options.seed, "answer", index));
    row.limit = std::min<std::int64_t>(room, options.maxTokens);
    row.done = options.maxTokens < 1;
    return row;
}

// The next token: the rest of a tool's result, or the model's choice, which is never the pad token.
std::int64_t Answerer::Private::choose(Row& row, const float* logits, const AnswerOptions& options) const
{
    if (!row.written.empty()) {
        const std::int64_t token = row.written.front();
        row.written.pop_front();
        return token;
    }
    const int count = tokenizer.choices();
    const std::int64_t token = options.temperature > 0 ? sample(logits, count, options, row.rng)
                                                       : std::max_element(logits, logits + count) - logits;
    row.answer.confidence *= probabilityOf(logits, tokenizer.vocabulary(), token);
    return token;
}

// Runs the tool whose call the completion ends with. Of a result that cannot be written in tokens ("?" where the domain has no
// such character) the closing sign is left: an open call would be for the model to answer.
void Answerer::Private::runTools(Row& row) const
{
    for (const Tool& tool : tools) {
        const auto query = openCall(row.answer.completion, tool);
        if (!query || row.calls >= genome.tools.calls)
            continue;
        ++row.calls;
        auto tokens = tokenizer.encode(tool.run(*query) + tool.close);
        if (!tokens)
            tokens = tokenizer.encode(std::string(1, tool.close));
        if (tokens)
            row.written.assign(tokens->begin(), tokens->end());
    }
}

// Writes the next token of a row down.
void Answerer::Private::append(Row& row, const float* logits, const AnswerOptions& options) const
{
    const bool byTool = !row.written.empty();
    const std::int64_t token = choose(row, logits, options);
    ++row.answer.tokens;
    row.tokens.push_back(token);
    if (token == tokenizer.end()) {
        row.answer.ended = row.done = true;
        return;
    }
    const std::string& piece = tokenizer.decode(token);
    std::string& text = row.answer.completion;
    const std::size_t before = text.size();
    text += piece;
    row.text += piece;
    if (!byTool)
        runTools(row);
    row.done = row.answer.tokens >= row.limit;
    std::size_t first = std::string::npos; // where a stop text begins that this token completes, or holds
    for (const std::string& stop : options.stop)
        if (!stop.empty())
            first = std::min(first, text.find(stop, before < stop.size() ? 0 : before - stop.size() + 1));
    if (first != std::string::npos) {
        text.resize(first);
        row.answer.ended = row.done = true;
    }
}

// Streams what is new and cannot be taken back: of an answer that goes on only whole characters, and nothing that may yet turn
// out to be a stop text.
void Answerer::Private::show(Row& row, const AnswerOptions& options)
{
    const std::string_view text = row.answer.completion;
    const std::size_t until = row.done ? text.size() : wholeCharacters(text.substr(0, beforeAnyStop(text, options.stop)));
    if (until > row.shown)
        options.onText(std::string(text.substr(row.shown, until - row.shown)));
    row.shown = std::max(row.shown, until);
}

// Takes finished rows out of the batch once a quarter of it idles; until then one idles on its last place.
void Answerer::Private::dropFinished(const std::vector<Row>& rows, std::vector<std::size_t>& active, Caches& caches,
                                     std::int64_t capacity) const
{
    std::vector<std::int64_t> left;
    for (std::size_t i = 0; i < active.size(); ++i)
        if (!rows[active[i]].done)
            left.push_back(static_cast<std::int64_t>(i));
    if (4 * left.size() > 3 * active.size()) {
        for (KvCache& cache : caches)
            for (auto& length : cache.lengths)
                length = std::min(length, capacity - 1);
        return;
    }
    std::erase_if(active, [&](std::size_t row) { return rows[row].done; });
    for (KvCache& cache : caches)
        if (!active.empty())
            cache.keepRows(left);
}

void Answerer::Private::generate(std::vector<Row>& rows, const AnswerOptions& options, bool streams)
{
    std::vector<Tokens> tokens, positions;
    std::vector<std::int64_t> lengths;
    std::int64_t capacity = 0;
    for (Row& row : rows) {
        row.answer.confidence = 1;
        row.answer.promptTokens = static_cast<int>(row.tokens.size());
        tokens.push_back(row.tokens);
        positions.push_back(positionsOf(row));
        lengths.push_back(static_cast<std::int64_t>(row.tokens.size()));
        capacity = std::max(capacity, lengths.back() + std::max<std::int64_t>(row.limit, 1));
    }
    Caches caches;
    at::Tensor logits =
        model.start(padded(tokens, tokenizer.pad()), padded(positions, 0), lengths, capacity, caches).cpu().contiguous();
    std::int64_t length = *std::max_element(lengths.begin(), lengths.end());
    charge(rows.size() * static_cast<std::size_t>(length), static_cast<std::size_t>(length));
    std::vector<std::size_t> active(rows.size()); // rows that the cache holds, in its order
    std::iota(active.begin(), active.end(), std::size_t(0));
    const at::Tensor next = at::zeros({static_cast<std::int64_t>(rows.size())}, at::kLong), places = next.clone();
    for (;;) {
        for (std::size_t i = 0; i < active.size(); ++i)
            if (Row& row = rows[active[i]]; !row.done) {
                append(row, logits.data_ptr<float>() + i * static_cast<std::size_t>(tokenizer.vocabulary()), options);
                if (streams && active[i] == 0 && options.onText)
                    show(row, options);
            }
        dropFinished(rows, active, caches, capacity);
        if (active.empty())
            return;
        for (std::size_t i = 0; i < active.size(); ++i) {
            next.data_ptr<std::int64_t>()[i] = rows[active[i]].tokens.back();
            if (isCoupled() && !rows[active[i]].done)
                places.data_ptr<std::int64_t>()[i] = positionsOf(rows[active[i]]).back();
        }
        charge(active.size(), static_cast<std::size_t>(++length));
        const auto count = static_cast<std::int64_t>(active.size());
        logits = model.step(next.narrow(0, 0, count), places.narrow(0, 0, count), caches).cpu().contiguous();
    }
}

bool Answerer::fits(const std::string& prompt) const
{
    return d->prepare(prompt, 0, {}).has_value();
}

Answerer::Answerer() = default;
Answerer::~Answerer() = default;

Result<std::unique_ptr<Answerer>> Answerer::load(const Genome& genome, const std::string& weightsFile,
                                                 const Domain& domain, const Json& tokenizer,
                                                 const Placement& placement)
{
    try {
        RATCHET_TRY(itsTokenizer, tokenizerOf(tokenizer, domain.info().alphabet));
        auto answerer = std::unique_ptr<Answerer>(new Answerer);
        answerer->d = std::make_unique<Private>(genome, domain, std::move(itsTokenizer));
        RATCHET_TRY(file, readWeights(weightsFile));
        RATCHET_CHECK(answerer->d->model.load(file));
        answerer->d->model.place(placement.forAnswers());
        return answerer;
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The model could not be loaded: {}", reasonOf(error)));
    }
}

Result<std::vector<Answer>> Answerer::answer(const std::vector<std::string>& prompts,
                                             const AnswerOptions& options) const
{
    std::vector<Private::Row> rows;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        RATCHET_TRY(row, d->prepare(prompts[i], i, options));
        rows.push_back(std::move(row));
    }
    std::vector<Answer> answers;
    try {
        for (std::size_t from = 0; from < rows.size(); from += batchRows) {
            const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(from);
            const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), from + batchRows));
            std::vector<Private::Row> part(std::make_move_iterator(begin), std::make_move_iterator(end));
            d->generate(part, options, from == 0);
            for (Private::Row& row : part)
                answers.push_back(std::move(row.answer));
        }
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The model could not answer: {}", reasonOf(error)));
    }
    return answers;
}

at::Tensor Answerer::Private::logProbabilities(const at::Tensor& tokens, const at::Tensor& positions,
                                               const ForwardOptions& options) const
{
    const at::NoGradGuard noGradient;
    return at::log_softmax(model.forward(tokens, positions, options), -1);
}

// Bits of the targets of each window from index `from` on; a window is its inputs and, one later, its targets.
std::vector<double> Answerer::Private::windowBits(const std::vector<Tokens>& windows,
                                                  const std::vector<std::size_t>& from)
{
    const at::Tensor tokens = padded(windows, tokenizer.pad());
    const std::int64_t length = tokens.size(1) - 1;
    const at::Tensor inputs = tokens.narrow(1, 0, length), targets = tokens.narrow(1, 1, length);
    at::Tensor positions;
    if (isCoupled())
        positions = at::arange(length).expand({tokens.size(0), length});
    const at::Tensor all = logProbabilities(inputs, positions);
    const at::Tensor logs = all.gather(2, targets.unsqueeze(2).to(all.device())).squeeze(2).cpu().contiguous();
    charge(windows.size() * static_cast<std::size_t>(length), static_cast<std::size_t>(length));
    std::vector<double> bits;
    for (std::size_t i = 0; i < windows.size(); ++i) {
        const float* const row = logs.data_ptr<float>() + i * static_cast<std::size_t>(length);
        bits.push_back(-std::accumulate(row + from[i], row + windows[i].size() - 1, 0.0) / std::log(2.0));
    }
    return bits;
}

Result<std::vector<double>> Answerer::bitsPerByte(const std::vector<std::string>& texts) const
{
    const auto context = static_cast<std::size_t>(d->genome.architecture.context),
               stride = std::max<std::size_t>(1, context / 2);
    std::vector<Tokens> windows;
    std::vector<std::size_t> from, owner;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts[i].empty())
            return fail(Code::BadInput, "An empty text has no bits per byte.");
        RATCHET_TRY(tokens, d->tokenizer.encode(texts[i]));
        tokens.insert(tokens.begin(), d->tokenizer.begin());
        std::size_t scored = 0; // targets scored so far
        for (std::size_t begin = 0; scored + 1 < tokens.size(); begin += stride) {
            const std::size_t end = std::min(tokens.size(), begin + context + 1);
            windows.emplace_back(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                                 tokens.begin() + static_cast<std::ptrdiff_t>(end));
            from.push_back(scored - begin);
            owner.push_back(i);
            scored = end - 1;
        }
    }
    std::vector<double> result(texts.size(), 0.0);
    const std::size_t rows = std::max<std::size_t>(1, 16384 / context);
    try {
        for (std::size_t at = 0; at < windows.size(); at += rows) {
            const std::size_t end = std::min(windows.size(), at + rows);
            const auto offset = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
            const auto bits = d->windowBits({windows.begin() + offset(at), windows.begin() + offset(end)},
                                            {from.begin() + offset(at), from.begin() + offset(end)});
            for (std::size_t i = at; i < end; ++i)
                result[owner[i]] += bits[i - at] / static_cast<double>(texts[owner[i]].size());
        }
    } catch (const std::exception& error) {
        return fail(Code::Failed, fmt::format("The model could not read the text: {}", reasonOf(error)));
    }
    return result;
}

Answerer::Integrity Answerer::check(Rng& rng) const
{
    try {
        ForwardOptions options; // every expert on every token: no row's last digits depend on the others
        options.experts = ExpertKind::Dense;
        const auto model = [&](const at::Tensor& tokens, const at::Tensor& positions) {
            return d->logProbabilities(tokens, positions, options);
        };
        const Soundness seen = soundnessOf(model, d->tokenizer.vocabulary(), d->genome.architecture.context, rng);
        return {seen.normalisation, seen.causal, seen.finite};
    } catch (const std::exception&) {
        return {};
    }
}

double Answerer::flopsUsed() const
{
    return d->flops;
}

} // namespace ratchet
