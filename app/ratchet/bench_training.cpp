// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench train: Trainer's steps against the same model, batches and optimizer in PyTorch eager. Every round runs each
// contender once, one after the other, and the machine's matrix product beside them.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "app/ratchet/bench.h"
#include "core/genome/tokenizer.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

constexpr int warmSteps = 2, peakProducts = 30;

struct TrainingCase {
    std::string name, domain, corpus;
    Genome genome;
    int threads = 2;
    int steps = 1;          // a round
    LearnerDevice device = {};
    Json tokenizer = nullptr;
};

using Child = std::unique_ptr<BenchChild>;

// The recipe both sides know: AdamW at a constant rate.
void makePlain(Genome& genome)
{
    genome.architecture.positions = "learned";
    genome.recipe.optimizer = "adamw";
    genome.recipe.schedule = "constant";
    genome.recipe.warmup = 0;
    genome.recipe.learningRate = 1e-3;
}

TrainingCase textCase(const std::string& corpus, int width, int context, int batch, int steps)
{
    TrainingCase wanted{fmt::format("train-d{}-t{}", width, context), "text", corpus, {}, 2, steps};
    Architecture& a = wanted.genome.architecture;
    a.layers = 4;
    a.width = width;
    a.heads = a.kvHeads = width / 32;
    a.feedForwardWidth = 4 * width;
    a.context = context;
    wanted.genome.recipe.batch = batch;
    wanted.genome.data.mixture = {{"bytes", 2 * context}};
    makePlain(wanted.genome);
    return wanted;
}

Result<TrainingCase> additionCase()
{
    RATCHET_TRY(domain, loadDomain("arithmetic"));
    TrainingCase wanted{"train-addition", "arithmetic", "", domain->seedGenome(), 1, 4};
    makePlain(wanted.genome);
    return wanted;
}

// A tokenizer of GPT-2's size, 50,257 tokens, made up: words of letters, each a shorter one and a letter more.
Result<Json> largeTokenizer()
{
    constexpr std::size_t size = 50257;
    BytePairs pairs;
    for (int byte = 0; byte < 256; ++byte)
        pairs.tokens.emplace_back(1, static_cast<char>(byte));
    pairs.tokens.emplace_back("<|endoftext|>");
    pairs.begin = pairs.end = pairs.pad = 256;
    pairs.special = {256};
    for (int stem = 'a'; pairs.tokens.size() < size; stem = stem == 'z' ? 257 : stem + 1)
        for (int letter = 'a'; letter <= 'z' && pairs.tokens.size() < size; ++letter) {
            pairs.merges.emplace_back(stem, letter);
            pairs.tokens.push_back(pairs.tokens[static_cast<std::size_t>(stem)] + static_cast<char>(letter));
        }
    RATCHET_TRY(tokenizer, Tokenizer::create(std::move(pairs)));
    return tokenizer.toJson();
}

// The 124 million parameters of GPT-2's smallest (Radford 2019), but for its biases.
Result<TrainingCase> largeCase(const BenchOptions& options)
{
    RATCHET_TRY(corpus, makeCorpus(options, 3000));
    RATCHET_TRY(tokenizer, largeTokenizer());
    TrainingCase wanted = textCase(corpus, 768, 1024, options.quick ? 2 : 16, options.quick ? 1 : 10);
    wanted.name = "train-gpt2-t1024";
    wanted.genome.architecture.layers = 12;
    wanted.genome.architecture.heads = wanted.genome.architecture.kvHeads = 12;
    wanted.genome.data.mixture = {{"bytes", 4096}};
    wanted.tokenizer = std::move(tokenizer);
    return wanted;
}

Json describe(const TrainingCase& wanted, const std::string& kind)
{
    return {{"kind", kind}, {"threads", wanted.threads}, {"seed", 1}, {"domain", wanted.domain}, {"corpus", wanted.corpus},
            {"genome", wanted.genome.toJson()}, {"tokenizer", wanted.tokenizer}, {"device", wanted.device.device},
            {"precision", wanted.device.precision}, {"kernels", wanted.device.kernels}};
}

std::string kindOf(Contender contender)
{
    return contender == Contender::EagerTuned ? "tuned" : contender == Contender::Compiled ? "compiled" : "installed";
}

// What one contender showed over all rounds.
struct Seen {
    std::vector<double> rates, processorRates, losses;
    void add(const Json& answer)
    {
        rates.push_back(rateOf(answer));
        processorRates.push_back(answer.value("tokens", 0.0) / std::max(1e-9, answer.value("cpu", 0.0)));
        addLosses(answer);
    }
    void addLosses(const Json& answer)
    {
        for (const Json& loss : answer.value("losses", Json::array()))
            losses.push_back(loss.get<double>());
    }
};

class TrainingBench {
public:
    TrainingBench(const BenchOptions& options, TrainingCase wanted) : m_options(options), m_case(std::move(wanted)) {}
    Status run()
    {
        RATCHET_CHECK(start());
        for (int round = 0; round < m_options.rounds(); ++round) {
            for (std::size_t i = 0; i < m_children.size(); ++i) {
                RATCHET_TRY(answer, m_children[i]->run(m_case.steps));
                m_seen[i].add(answer);
            }
            RATCHET_TRY(peak, m_peak->run(peakProducts));
            m_peaks.push_back(peak.value("gflops", 0.0));
        }
        show();
        return {};
    }

private:
    Status start()
    {
        const auto log = m_options.scratch / "programs.log";
        const BenchPrograms& programs = m_options.programs;
        Json peerCase = describe(m_case, "train");
        if (programs.hasPeer()) {
            const std::string weights = (m_options.scratch / (m_case.name + ".safetensors")).string();
            Json preparation = describe(m_case, "prepare");
            preparation["batches"] = warmSteps + m_options.rounds() * m_case.steps;
            preparation["weights"] = peerCase["weights"] = weights;
            preparation["device"] = "cpu";
            RATCHET_TRY(prepared, BenchChild::start(programs.command(Contender::Ratchet, 1), preparation, log));
            if (!m_case.device.isCuda())
                m_contenders.push_back(Contender::EagerAsInstalled);
            m_contenders.push_back(Contender::EagerTuned);
            if (m_case.device.isCuda())
                m_contenders.push_back(Contender::Compiled);
        }
        for (const Contender contender : m_contenders) {
            Json given = contender == Contender::Ratchet ? describe(m_case, "train") : peerCase;
            if (contender == Contender::Compiled)
                given["compile"] = true;
            RATCHET_TRY(child, BenchChild::start(programs.command(contender, m_case.threads), given, log));
            RATCHET_TRY(warm, child->run(warmSteps));
            m_seen.emplace_back().addLosses(warm);
            m_children.push_back(std::move(child));
        }
        RATCHET_TRY(peak, BenchChild::start(programs.command(Contender::Ratchet, m_case.threads),
                                            {{"kind", "peak"}, {"threads", m_case.threads}, {"device", m_case.device.device},
                                             {"precision", m_case.device.precision}}, log));
        m_peak = std::move(peak);
        return {};
    }

    void show() const
    {
        const Seen& ours = m_seen.front();
        const double flops = m_children.front()->facts().value("flops", 0.0);
        if (m_seen.size() == 1)
            m_options.show(alone(m_case.name + "/tokens", ours.rates, "tokens/s"));
        for (std::size_t i = 1; i < m_seen.size(); ++i) {
            const std::string kind = kindOf(m_contenders[i]), peer = titleOf(m_contenders[i]);
            m_options.show(compared(m_case.name + "/tokens-" + kind, ours.rates, "tokens/s", peer, m_seen[i].rates));
            m_options.show(compared(m_case.name + "/processor-" + kind, ours.processorRates, "tokens/processor-second", peer,
                                    m_seen[i].processorRates));
            m_options.show(lossFigure(m_case.name + "/losses-" + kind, ours.losses, m_seen[i].losses, peer));
        }
        std::vector<double> rates, shares;
        for (std::size_t i = 0; i < m_peaks.size(); ++i) {
            rates.push_back(ours.rates[i] * flops / 1e9);
            shares.push_back(100 * rates.back() / m_peaks[i]);
        }
        m_options.show(alone(m_case.name + "/compute", rates, "GFLOP/s"));
        m_options.show(alone(m_case.name + "/peak", m_peaks, "GFLOP/s of sgemm"));
        m_options.show(alone(m_case.name + "/of-peak", shares, "%"));
    }

    // Whether the work is the same: the curves of both lie on each other.
    static Figure lossFigure(const std::string& name, const std::vector<double>& ours, const std::vector<double>& theirs,
                             const std::string& peer)
    {
        double largest = 0;
        const std::size_t count = std::min(ours.size(), theirs.size());
        for (std::size_t i = 0; i < count; ++i)
            largest = std::max(largest, std::abs(ours[i] - theirs[i]));
        Figure figure{name, largest, "nats, largest difference of the losses", peer, 0, 0, static_cast<int>(count)};
        if (count > 0) {
            figure.peerValue = theirs[count - 1];
            figure.ratio = ours[count - 1] / theirs[count - 1];
        }
        return figure;
    }

    const BenchOptions& m_options;
    TrainingCase m_case;
    std::vector<Contender> m_contenders{Contender::Ratchet};
    std::vector<Child> m_children;
    Child m_peak;
    std::vector<Seen> m_seen;
    std::vector<double> m_peaks;
};

// Two trials side by side, a thread each, against one trial with both threads.
Status benchWorkers(const BenchOptions& options, const TrainingCase& wanted)
{
    const auto log = options.scratch / "programs.log";
    std::vector<Child> children;
    for (const int threads : {1, 1, 2}) {
        TrainingCase one = wanted;
        one.threads = threads;
        RATCHET_TRY(child, BenchChild::start(options.programs.command(Contender::Ratchet, threads), describe(one, "train"), log));
        RATCHET_TRY(warm, child->run(1));
        children.push_back(std::move(child));
    }
    std::vector<double> pair, single;
    for (int round = 0; round < options.rounds(); ++round) {
        RATCHET_CHECK(children[0]->ask(wanted.steps));
        RATCHET_CHECK(children[1]->ask(wanted.steps));
        RATCHET_TRY(first, children[0]->answer());
        RATCHET_TRY(second, children[1]->answer());
        pair.push_back(rateOf(first) + rateOf(second));
        RATCHET_TRY(both, children[2]->run(wanted.steps));
        single.push_back(rateOf(both));
    }
    options.show(compared("workers-d128-t128/tokens", pair, "tokens/s", "one worker with two threads", single));
    return {};
}

} // namespace

Status benchTraining(const BenchOptions& options)
{
    RATCHET_TRY(corpus, makeCorpus(options));
    RATCHET_TRY(addition, additionCase());
    const TrainingCase small = textCase(corpus, 128, 128, 32, 2);
    std::vector<TrainingCase> cases{small, textCase(corpus, 256, 128, 16, 2), textCase(corpus, 384, 256, 8, 1), addition};
    if (options.quick)
        cases = {small, addition};
    if (options.device.isCuda()) {
        TrainingCase few = textCase(corpus, 384, 256, 4, 10);     // 10 million parameters: its operators are shorter than their launch
        few.name = "train-10m-t256";
        few.genome.architecture.layers = 6;
        cases.push_back(std::move(few));
        RATCHET_TRY(large, largeCase(options));
        cases.push_back(std::move(large));
    }
    for (TrainingCase& wanted : cases) {
        wanted.device = options.device;
        RATCHET_CHECK(TrainingBench(options, std::move(wanted)).run());
    }
    return options.device.isCuda() ? Status() : benchWorkers(options, small);
}

} // namespace ratchet
