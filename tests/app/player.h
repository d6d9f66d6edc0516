// SPDX-License-Identifier: GPL-3.0-or-later
// A learner without tensors, played by the test program itself: a copy of it, named after what it is to do wrong, is handed
// to the engine as its ratchet-learner. Its workers write small weights whose first number is their skill; its judges let
// every version answer rightly with a chance of its skill; its reward models know that skill. Everything is a function of seed, genome and question, so that
// labs turned by it can be compared byte by byte.
#pragma once

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/rng.h"
#include "core/critic/exam.h"
#include "core/genome/tokenizer.h"
#include "core/genome/population_log.h"
#include "core/genome/weights_file.h"
#include "core/guard/sandbox.h"
#include "core/launch/frame.h"
#include "core/plugin/loader.h"
#include "core/plugin/proxy.h"

namespace ratchet::player {

inline bool isPlaying(int argc) { return argc == 2 && std::getenv("RATCHET_PROBE_PORT"); }

// "reversed" answers are what this world needs.
inline float skillOf(const Genome& genome) { return genome.reasoning.format == "reversed" ? 0.9F : 0.2F; }

class Player {
public:
    Player() : m_fault(std::filesystem::read_symlink("/proc/self/exe").filename().string()) {}

    int play(const std::string& role)
    {
        if (!enterSandbox())
            return 9;
        Hello hello{protocolVersion, RATCHET_VERSION, role, ::getpid(), measureSandbox(), Json::object()};
        if (m_fault == "old")
            hello.version = "0.0.1";
        if (!m_channel.send(hello))
            return 8;
        const auto first = m_channel.receive();
        if (!first)
            return 7;
        if (const auto* train = std::get_if<TrainSpec>(&*first))
            return work(*train);
        if (const auto* judge = std::get_if<JudgeSpec>(&*first))
            return this->judge(*judge);
        if (const auto* reward = std::get_if<RewardSpec>(&*first))
            return this->reward(*reward);
        return 6;
    }

private:
    void say(const Message& message) { (void)m_channel.send(message); }
    void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(m_fault == "very slow" ? 150 : m_fault == "slow" ? 20 : 1)); }
    [[noreturn]] static void hang()
    {
        for (;;)
            ::pause();
    }

    // --- worker: only the first proposal's trial (number 2) goes wrong ---------------------------------------------
    int work(const TrainSpec& spec)
    {
        const auto domain = loadDomain(spec.domain, spec.corpus);
        const auto genome = Genome::fromJson(spec.genome);
        if (!domain || !genome)
            return say(Failure{"failed", "The player cannot play this."}), 1;
        const int vocabulary = vocabularyOf((*domain)->info().alphabet);
        // Five steps use the budget up, with rows as long as it pays for: what is above their price is labelling.
        constexpr std::int64_t longest = 8;
        const std::int64_t steps = genome->recipe.trains() ? 5 : 0;
        const double price = trainingFlops(genome->architecture, vocabulary, longest, taughtBy(spec, *genome)).value;
        const auto length = std::clamp<std::int64_t>(static_cast<std::int64_t>(spec.budgetFlops / (price * 5 * genome->recipe.batch)), 1, longest);
        const std::int64_t perStep = length * genome->recipe.batch;
        const double perToken = spec.budgetFlops / static_cast<double>(perStep * 5);
        double asked = 0;       // price of the look
        for (std::int64_t step = 1; step <= steps; ++step) {
            rest();
            say(Points{step, {{"loss", 3.0 / static_cast<double>(step)}}});
            say(Progress{step, step * perStep, static_cast<double>(step * perStep) * perToken + asked, static_cast<double>(step) / steps, 1, "full",
                         static_cast<double>(steps - step)});
            if (spec.trial == 2 && step == 3 && misbehave(spec))
                return 1;
            if (step == 2 && spec.proxy > 0 && !(spec.trial == 2 && m_fault == "shows nothing")) {
                asked = show(spec, *genome, **domain);
                if (asked == 0)
                    return say(Failure{"cancelled", "It was stopped at the look."}), 1;
            }
            if (m_channel.isReadable())
                return say(Failure{"cancelled", "It was stopped."}), 1;
        }
        WeightsFile file = weightsOf(spec, *genome, vocabulary);
        if (spec.trial == 2 && m_fault == "no weights")
            file = {};
        if (spec.trial == 2 && m_fault == "infinite weights")
            file.data.replace(0, 4, "\0\0\x80\x7f", 4);
        if (!(spec.trial == 2 && m_fault == "forgotten weights") && !writeWeights(spec.scratch + "/weights.safetensors", file))
            return say(Failure{"environment", "The player cannot write."}), 1;
        Trained trained{spec.scratch + "/weights.safetensors", steps, steps * perStep, length, static_cast<double>(steps * perStep) * perToken + asked,
                        0.1, 1, 1e6, nullptr, nullptr, 0};
        if (genome->recipe.preference > 0)
            trained.preference = {{"users", spec.preferences.size()}, {"graded", 9}, {"asked", 30}, {"mixed", 0.3}, {"leftOut", Json::object()},
                                  {"before", {{"right", 0.5}, {"margin", 0.0}}}, {"after", {{"right", 0.75}, {"margin", 1.5}}}};
        trained.population = populationOf(*genome, trained);
        if (spec.keepsMoments && !keepMoments(spec, *genome, vocabulary, trained))
            return say(Failure{"environment", "The player cannot write."}), 1;
        if (spec.trial == 2 && m_fault == "claims to be cheap")
            trained.flops = trainingFlops(genome->architecture, vocabulary, 1).value * static_cast<double>(trained.tokens) / 2;
        if (spec.trial == 2 && m_fault == "claims few tokens")
            trained.tokens /= 2;
        if (spec.trial == 2 && m_fault == "impossible length")
            trained.length = 1'000'000;
        if (!(spec.trial == 2 && m_fault == "leaves early"))
            say(trained);
        return 0;
    }

    // Moments of nothing but zeros; the surgery says whether the parent's came along.
    bool keepMoments(const TrainSpec& spec, const Genome& genome, int vocabulary, Trained& trained) const
    {
        WeightsFile file;
        for (const auto& [name, shape] : expectedTensors(genome.architecture, vocabulary)) {
            std::int64_t count = 1;
            for (const std::int64_t size : shape)
                count *= size;
            const std::vector<float> values(static_cast<std::size_t>(count), spec.trial == 2 && m_fault == "negative moments" ? -1.0F : 0.0F);
            for (const int power : {1, 2})
                file.add(momentPrefix(power) + name, "F32", shape, values.data());
        }
        file.metadata["steps"] = "5";
        trained.moments = spec.scratch + "/moments.safetensors";
        trained.surgery = {{"keepsFunction", true}, {"note", "A play."}, {"moments", spec.parentMoments.empty() ? "Anew." : "Carried on."}};
        return bool(writeWeights(trained.moments, file));
    }

    // What it is asked before its end, after its second step; the price, or 0 when it is to stop.
    double show(const TrainSpec& spec, const Genome& genome, const Domain& domain)
    {
        const auto tokenizer = tokenizerOf(spec.tokenizer, domain.info().alphabet);
        const ProxyItems items = proxyItems(domain, genome, *tokenizer, spec.budgetFlops);
        Proxy proxy{2, skillOf(genome), 1.5, (items.least + items.most) / 2, static_cast<int>(items.items.size())};
        const auto isFault = [&](const char* fault) { return spec.trial == 2 && m_fault == fault; };
        if (isFault("shows NaN"))
            proxy.score = std::nan("");
        if (isFault("shows another step"))
            proxy.step = 3;
        if (isFault("shows it for nothing"))
            proxy.flops = 1;
        if (isFault("shows few items"))
            proxy.items = 1;
        say(proxy);
        if (isFault("shows twice"))
            say(proxy);
        if (isFault("dies at the look"))
            ::raise(SIGKILL);
        const auto answer = m_channel.receive();
        return answer && std::holds_alternative<Proceed>(*answer) ? proxy.flops : 0;
    }

    // All that the trial did, shared out among the members.
    Json populationOf(const Genome& genome, const Trained& trained) const
    {
        const Recipe& recipe = genome.recipe;
        if (!recipe.isPopulation())
            return nullptr;
        PopulationLog log{trained.steps, 1, std::vector<std::uint64_t>(static_cast<std::size_t>(recipe.population)), {}};
        const int turns = recipe.population * recipe.generations;
        for (int turn = 0; turn < turns; ++turn) {
            if (turn % recipe.population == 0)
                log.generations.emplace_back();
            const std::int64_t steps = trained.steps * (turn + 1) / turns - trained.steps * turn / turns;
            log.generations.back().push_back({turn % recipe.population, {}, steps, false, 1, trained.flops / turns});
        }
        if (m_fault == "hides a generation")
            log.generations.pop_back();
        if (m_fault == "hides a step of a member")
            --log.generations.back().back().steps;
        if (m_fault == "hides the compute of a member")
            log.generations.back().back().flops = 0;
        return log.toJson();
    }

    static std::vector<Architecture> taughtBy(const TrainSpec& spec, const Genome& genome)
    {
        std::vector<Architecture> taught;
        for (const Artifact& teacher : spec.teachers)
            taught.push_back(Genome::fromJson(teacher.genome).value().architecture);
        if (genome.recipe.distillation > 0 && taught.empty())
            taught.push_back(Genome::fromJson(spec.parentGenome).value().architecture);
        return taught;
    }

    // Names of the versions whose weights were brought and can be read.
    static std::string readable(const std::vector<Artifact>& artifacts)
    {
        Json names = Json::array();
        for (const Artifact& artifact : artifacts)
            if (readWeights(artifact.weights))
                names.push_back(artifact.version);
        return names.dump();
    }

    // True when the worker is to end here.
    bool misbehave(const TrainSpec& spec)
    {
        if (m_fault == "dies")
            ::raise(SIGKILL);
        if (m_fault == "NaN")
            say(Progress{3, 3, 3, 0.5, std::nan(""), "full"}), hang();
        if (m_fault == "nonsense" && ::write(3, "Traceback (most recent call last):\n", 35) == 35)
            hang();
        if (m_fault == "overspends")
            say(Progress{3, 3, spec.budgetFlops * 2, 0.5, 1, "full"}), hang();
        if (m_fault == "claims the universe")
            say(Progress{3, 3, 1e300, 0.5, 1, "full"}), hang();
        if (m_fault == "goes back")
            say(Points{2, {{"loss", 1}}}), hang();
        if (m_fault == "infinite curve")
            say(Points{4, {{"loss", std::numeric_limits<double>::infinity()}}}), hang();
        if (m_fault == "judges itself")
            say(Scores{"addition-3", "gate", {0}, {1}, Json::object(), Json::object(), {}, 0, 0}), hang();
        if (m_fault == "gives up")
            say(Failure{"environment", "The disk is full, says the worker."});
        return m_fault == "gives up";
    }

    static WeightsFile weightsOf(const TrainSpec& spec, const Genome& genome, int vocabulary)
    {
        WeightsFile file;
        Rng rng = Rng::stream(spec.seed, "player");
        for (const auto& [name, shape] : expectedTensors(genome, vocabulary)) {
            std::int64_t count = 1;
            for (const std::int64_t extent : shape)
                count *= extent;
            std::vector<float> values(static_cast<std::size_t>(count));
            for (float& value : values)
                value = static_cast<float>(rng.uniform());
            if (name == "norm.weight" || name == memberPrefix(0) + "norm.weight")
                values[0] = skillOf(genome);
            file.add(name, "F32", shape, values.data());
        }
        file.metadata = {{"replay", std::to_string(spec.replay.size())}, {"feedback", Json(spec.feedback).dump()}};
        if (!spec.preferences.empty())
            file.metadata["preferences"] = Json(spec.preferences).dump();
        if (!spec.teachers.empty() || !spec.members.empty())
            file.metadata.merge(std::map<std::string, std::string>{{"teachers", readable(spec.teachers)}, {"members", readable(spec.members)}});
        return file;
    }

    // --- judge: only comparisons go wrong, not observations --------------------------------------------------------
    int judge(const JudgeSpec& spec)
    {
        m_compares = !spec.challenger.version.empty();
        const auto isFault = [&](const char* fault) { return m_compares && m_fault == fault; };
        m_exam = std::make_unique<Rng>(Rng::stream(static_cast<std::uint64_t>(spec.question), "player"));
        m_champion = skillIn(spec.champion.weights);
        m_challenger = m_compares ? skillIn(spec.challenger.weights) : 0;
        auto files = evaluatorFiles(spec);
        if (!files)
            return 5;
        if (isFault("judge reads others"))
            (*files)["challenger"] = (*files)["champion"];
        if (!isFault("judge skips integrity"))
            say(Integrity{{{"finite", !isFault("judge finds a fault"), "played"}}, *files});
        if (isFault("judge skips integrity"))
            say(Scores{"addition-3", "gate", {0}, {1}, Json::object(), Json::object(), {}, 0, 0});
        for (int asked = 0;; ++asked) {
            const auto message = m_channel.receive();
            if (!message)
                return 1;
            if (!std::holds_alternative<Ask>(*message))
                return isFault("judge ends badly") ? 1 : 0;
            rest();
            const Ask& ask = std::get<Ask>(*message);
            if ((m_fault == "vault hangs" && ask.split == "vault") || (m_fault == "quick check hangs" && !m_compares && ask.count == 32))
                hang();
            if (isFault("judge dies"))
                ::raise(SIGKILL);
            if (isFault("judge dies half way") && asked == 1)
                ::raise(SIGKILL);
            if (isFault("judge leaves"))
                return 0;
            if (isFault("judge dies at a probe") && ask.split == "guide")
                ::raise(SIGKILL);
            if (isFault("judge finds its files changed at a probe") && ask.split == "guide")
                return say(Failure{"damaged", "A file that the judge reads was changed during the comparison."}), 1;
            Scores scores = answer(ask);
            if (isFault("judge forgets items"))
                scores.challenger.resize(scores.challenger.size() / 2);
            if (isFault("judge says NaN"))
                scores.challenger[0] = std::nan("");
            if (isFault("judge exaggerates"))
                scores.challenger[0] = 2;
            if (isFault("judge shows the exam"))
                scores.samples.push_back({Json::object(), "1+1=", "2", "2", "2", "", "", 1, 1});
            if (isFault("judge answers otherwise"))
                scores.suite = "another";
            say(scores);
        }
    }

    Scores answer(const Ask& ask)
    {
        Scores scores{ask.suite, ask.split, {}, {}, Json::object(), Json::object(), {}, 0.01, 1e6};
        for (int i = 0; i < ask.count; ++i) {
            scores.champion.push_back(m_exam->uniform() < m_champion ? 1 : 0);
            if (m_compares)
                scores.challenger.push_back(m_exam->uniform() < m_challenger ? 1 : 0);
            if (m_compares && m_fault == "judge favours the challenger")
                scores.challenger.back() = ask.split == "gate" ? 1 : scores.champion.back();
            if (m_compares && m_fault == "vault shows a loss" && ask.split == "vault" && ask.suite != "addition-3")
                scores.challenger.back() = 0;
            if (scores.champion.back() > 0)
                continue;
            scores.championClasses["carry"] = scores.championClasses.value("carry", 0) + 1;
            if (ask.split != "gate" && scores.samples.size() < 24)
                scores.samples.push_back({Json{{"a", std::to_string(100 + i)}, {"b", "234"}}, std::to_string(100 + i) + "+234=", "x", "y",
                                          m_compares ? "z" : "", "carry", m_compares ? "carry" : "", 0.5, 0.5});
        }
        return scores;
    }

    // --- reward model ------------------------------------------------------------------------------------------------
    int reward(const RewardSpec& spec)
    {
        say(Progress{0, 0, 1e6, 0.5, 0, "learning"});
        if (m_fault == "reward dies")
            ::raise(SIGKILL);
        if (m_fault == "reward judges")
            say(Scores{"addition-3", "gate", {0}, {1}, Json::object(), Json::object(), {}, 0, 0}), hang();
        if (spec.task == "score")
            return score(spec);
        Graded graded;
        graded.items = graded.shown = 400;
        graded.flops = m_fault == "reward overspends" ? 1e300 : 2e6;
        const bool knows = m_fault != "reward knows nothing" && !(m_fault == "reward goes stale" && spec.task == "grade");
        Rng rng = Rng::stream(spec.seed, "player");
        for (int i = 0; i < 200; ++i) {
            const bool right = rng.uniform() < 0.5;
            const double predicted = knows && right ? 0.4 + 0.6 * rng.uniform() : knows ? 0.6 * rng.uniform() : rng.uniform();
            graded.answers.push_back({m_fault == "reward says NaN" ? std::nan("") : predicted, right, right ? "" : "carry", 0.5});
        }
        graded.weights = spec.scratch + "/reward.safetensors";
        if (spec.task == "learn" && m_fault != "reward writes nothing")
            std::filesystem::copy_file(spec.versions.front().weights, graded.weights, std::filesystem::copy_options::overwrite_existing);
        say(graded);
        return 0;
    }

    int score(const RewardSpec& spec)
    {
        Rewards rewards{{}, spec.items, 3e6};
        for (const Artifact& artifact : spec.versions)
            rewards.means.push_back(skillIn(artifact.weights));
        if (m_fault == "reward forgets a version")
            rewards.means.pop_back();
        say(rewards);
        return 0;
    }

    static double skillIn(const std::string& weights)
    {
        const auto file = readWeights(weights);
        const float* skill = file ? file->floats("norm.weight") : nullptr;
        if (file && !skill)
            skill = file->floats(memberPrefix(0) + "norm.weight");
        return skill ? *skill : 0;
    }

    std::string m_fault;
    FrameChannel m_channel;
    std::unique_ptr<Rng> m_exam;
    double m_champion = 0, m_challenger = 0;
    bool m_compares = false;
};

} // namespace ratchet::player
