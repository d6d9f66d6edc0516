// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet bench generate: Answerer, greedy and with its cache, against PyTorch eager: one prompt without a cache, as people
// first write it, and many prompts with a cache and matrix-product attention.
#include <algorithm>

#include <fmt/format.h>

#include "app/ratchet/bench.h"
#include "core/base/rng.h"
#include "core/genome/genome.h"

namespace ratchet {
namespace {

constexpr int promptBytes = 16, newTokens = 128;

struct GenerationCase {
    std::string name;
    int prompts = 1;
    std::string peerKind;       // generate | generate-uncached
    std::string peerWords;      // after the contender's name
    int repeats = 1;            // of ours in a round, so that it takes long enough to measure
};

Genome modelOf()
{
    Genome genome;
    Architecture& a = genome.architecture;
    a.layers = 4;
    a.width = 128;
    a.heads = a.kvHeads = 4;
    a.feedForwardWidth = 512;
    a.context = promptBytes + newTokens;
    genome.data.mixture = {{"bytes", 256}};
    return genome;
}

std::vector<std::string> promptsOf(int count)
{
    Rng rng = Rng::stream(1, "bench prompts");
    std::vector<std::string> prompts(static_cast<std::size_t>(count));
    for (std::string& prompt : prompts)
        for (int i = 0; i < promptBytes; ++i)
            prompt += static_cast<char>('a' + rng.below(26));
    return prompts;
}

// Share of positions at which two lists of answers in hexadecimal agree, in percent.
double agreement(const Json& ours, const Json& theirs)
{
    std::size_t equal = 0, all = 0;
    for (std::size_t row = 0; row < std::min(ours.size(), theirs.size()); ++row) {
        const std::string a = ours[row], b = theirs[row];
        all += std::max(a.size(), b.size()) / 2;
        for (std::size_t i = 0; i + 1 < std::min(a.size(), b.size()); i += 2)
            equal += a.compare(i, 2, b, i, 2) == 0 ? 1 : 0;
    }
    return all == 0 ? 0 : 100.0 * static_cast<double>(equal) / static_cast<double>(all);
}

Status benchCase(const BenchOptions& options, const GenerationCase& wanted, Json given, Contender peer)
{
    // One thread is what the engine gives a judge and a server: a token's small products take longer to share than to do. PyTorch gets
    // what is faster for it: its own two as installed, one when tuned.
    constexpr int ourThreads = 1;
    const int theirThreads = peer == Contender::EagerAsInstalled ? 2 : 1;
    const auto log = options.scratch / "programs.log";
    const BenchPrograms& programs = options.programs;
    given["prompts"] = promptsOf(wanted.prompts);
    given["threads"] = ourThreads;
    RATCHET_TRY(ours, BenchChild::start(programs.command(Contender::Ratchet, ourThreads), given, log));
    std::unique_ptr<BenchChild> theirs;
    if (programs.hasPeer()) {
        Json peerCase = given;
        peerCase["kind"] = wanted.peerKind;
        peerCase["threads"] = theirThreads;
        RATCHET_TRY(child, BenchChild::start(programs.command(peer, theirThreads), peerCase, log));
        theirs = std::move(child);
    }
    std::vector<double> rates, peerRates, agreements;
    for (int round = options.quick ? 0 : -1; round < options.rounds(); ++round) {
        RATCHET_TRY(seen, ours->run(wanted.repeats));
        Json seenPeer;
        if (theirs) {
            RATCHET_TRY(answer, theirs->run(1));
            seenPeer = std::move(answer);
        }
        if (round < 0)
            continue;       // to get warm
        rates.push_back(rateOf(seen));
        if (theirs) {
            peerRates.push_back(rateOf(seenPeer));
            agreements.push_back(agreement(seen["texts"], seenPeer["texts"]));
        }
    }
    const std::string name = wanted.name + (peer == Contender::EagerTuned ? "-tuned" : "-installed");
    options.show(theirs ? compared(name + "/tokens", rates, "tokens/s", titleOf(peer) + wanted.peerWords, peerRates)
                        : alone(wanted.name + "/tokens", rates, "tokens/s"));
    if (theirs)
        options.show(alone(name + "/equal", agreements, "% of the generated tokens equal the peer's"));
    return {};
}

} // namespace

Status benchGeneration(const BenchOptions& options)
{
    RATCHET_TRY(corpus, makeCorpus(options));
    const std::string weights = (options.scratch / "model.safetensors").string();
    const Json given{{"kind", "generate"}, {"seed", 1}, {"domain", "text"}, {"corpus", corpus}, {"genome", modelOf().toJson()},
                     {"weights", weights}, {"tokens", newTokens}, {"device", options.device.device}, {"kernels", options.device.kernels}};
    Json preparation = given;
    preparation["kind"] = "prepare";
    preparation["device"] = "cpu";
    RATCHET_TRY(prepared, BenchChild::start(options.programs.command(Contender::Ratchet, 1), preparation, options.scratch / "programs.log"));
    const std::vector<GenerationCase> cases{{"generate-1", 1, "generate-uncached", ", without a cache", 4},
                                            {"generate-64", 64, "generate", ", with a cache", 1}};
    for (const GenerationCase& wanted : cases)
        for (const Contender peer : {Contender::EagerAsInstalled, Contender::EagerTuned})
            if (peer == Contender::EagerTuned || (options.programs.hasPeer() && !options.quick && !options.device.isCuda()))
                RATCHET_CHECK(benchCase(options, wanted, given, peer));
    return {};
}

} // namespace ratchet
