// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/attacker.h"

#include <cmath>
#include <cstring>
#include <thread>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/base/hash.h"
#include "core/genome/tokenizer.h"
#include "core/guard/sandbox.h"
#include "core/launch/frame.h"
#include "core/launch/spawn.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

constexpr double overspending = 2;

// --- a worker that trains nothing -----------------------------------------------------------------------------------

void changeFloats(WeightsFile& weights, const std::function<float(float value, double rms)>& change)
{
    for (const auto& [name, entry] : weights.tensors) {
        std::vector<float> values(entry.bytes / sizeof(float));
        std::memcpy(values.data(), weights.data.data() + entry.offset, entry.bytes);
        double squares = 0;
        for (const float value : values)
            squares += double(value) * value;
        const double rms = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
        for (float& value : values)
            value = change(value, rms);
        std::memcpy(weights.data.data() + entry.offset, values.data(), entry.bytes);
    }
}

// Every block adds nothing, and the last normalisation gives the same whatever came in: all ones, which only one token's
// embedding answers to. The seed genome's tied head and layer norm make this possible.
Result<WeightsFile> constantModel(const Genome& genome, int vocabulary, int token)
{
    WeightsFile file;
    for (const auto& [name, shape] : expectedTensors(genome.architecture, vocabulary)) {
        std::size_t count = 1;
        for (const auto extent : shape)
            count *= static_cast<std::size_t>(extent);
        std::vector<float> values(count, name == "norm.bias" ? 1.0F : 0.0F);
        if (name == "embedding.token.weight")
            std::fill_n(values.begin() + token * genome.architecture.width, genome.architecture.width, 1.0F);
        file.add(name, "F32", shape, values.data());
    }
    return file;
}

Result<WeightsFile> forgedWeights(const AttackPlan& plan, const TrainSpec& spec)
{
    if (plan.worker == "constant") {
        RATCHET_TRY(genome, Genome::fromJson(spec.genome));
        RATCHET_TRY(domain, loadDomain(spec.domain, spec.corpus));
        return constantModel(genome, vocabularyOf(domain->info().alphabet), plan.token);
    }
    RATCHET_TRY(weights, readWeights(spec.parentWeights));
    if (plan.worker == "overflow")
        changeFloats(weights, [](float value, double) { return value * 1e30F; });
    if (plan.worker == "not finite")
        changeFloats(weights, [](float, double) { return std::nanf(""); });
    if (plan.worker == "extra tensor") {
        const float future = 1;
        weights.add("blocks.0.attention.future.weight", "F32", {1}, &future);
    }
    for (const std::uint64_t seed : plan.seeds) {
        Rng rng = Rng::stream(seed, "attacker");
        addNoise(weights, plan.scale, rng);
    }
    return weights;
}

Status forge(const AttackPlan& plan)
{
    RATCHET_CHECK(enterSandbox());
    FrameChannel channel;
    RATCHET_CHECK(channel.send(Hello{protocolVersion, RATCHET_VERSION, "worker", ::getpid(), measureSandbox(), Json::object()}));
    RATCHET_TRY(message, channel.receive());
    const auto* spec = std::get_if<TrainSpec>(&message);
    if (!spec)
        return fail(Code::BadInput, "An attacker was sent something else than what to train.");
    RATCHET_TRY(weights, forgedWeights(plan, *spec));
    const std::string file = spec->scratch + "/weights.safetensors";
    RATCHET_CHECK(writeWeights(file, weights));
    Trained trained;
    trained.weights = file;
    trained.length = 1;
    return channel.send(trained);
}

// --- between the engine and the real learner ------------------------------------------------------------------------

// What JSON text cannot hold, too.
Json numberFrom(const std::string& word)
{
    if (word == "NaN")
        return std::nan("");
    return word == "Infinity" ? Json(std::numeric_limits<double>::infinity()) : Json::parse(word);
}

// What the engine sent: changed, passed on as it is, or kept for ever.
class Relay {
public:
    Relay(AttackPlan plan, Spawned real) : m_plan(std::move(plan)), m_pid(real.pid), m_real(real.channel.release()) {}

    int run()
    {
        std::thread([this] { toReal(); }).detach();
        while (auto message = m_real.receive())
            if (!sendRaw(falsified(*message)))
                break;
        int status = 0;
        while (::waitpid(m_pid, &status, 0) < 0 && errno == EINTR) {}
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);      // the other direction may be waiting for ever
    }

private:
    void toReal()
    {
        while (auto message = m_engine.receive()) {
            if (auto* train = std::get_if<TrainSpec>(&*message); train && (m_plan.worker == "skips tokens" || m_plan.worker == "overruns"))
                train->budgetFlops *= overspending;
            if (const auto* judge = std::get_if<JudgeSpec>(&*message))
                m_secret = std::filesystem::path(judge->closedFolder) / "secret";
            if (std::holds_alternative<Ask>(*message)) {
                if (m_plan.judge == "hangs")
                    for (;;)
                        ::pause();
                if (m_plan.judge == "waits")
                    waitForChange();
            }
            if (!m_real.send(*message))
                return;
        }
        ::_exit(1);
    }

    // The engine's own limits end a wait in which nothing happens.
    void waitForChange()
    {
        const auto before = hashOfFile(m_secret);
        fmt::print(stderr, "{}\n", attackerIsAsked);
        std::fflush(stderr);
        for (auto now = hashOfFile(m_secret); before && now && *now == *before; now = hashOfFile(m_secret))
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }

    Json falsified(const Message& message) const
    {
        Json json = toJson(message);
        const double share = m_plan.worker == "understates" ? 2 : m_plan.worker == "skips tokens" ? overspending : 1;
        if (json.contains("flops") && !json.contains("challenger"))
            json["flops"] = json["flops"].get<double>() / share;
        if (json.contains("tokens") && m_plan.worker == "skips tokens")
            json["tokens"] = static_cast<std::int64_t>(json["tokens"].get<double>() / share);
        if (!std::holds_alternative<Scores>(message) || json["challenger"].empty())
            return json;
        if (m_plan.judge == "forgets")
            json.erase("challenger");
        else if (m_plan.judge == "falsifies")
            json["challenger"] = m_plan.score.empty() ? Json::array() : Json(json["champion"].size(), numberFrom(m_plan.score));
        return json;
    }

    // As encodeFrame, for what no Message can hold.
    static bool sendRaw(const Json& json)
    {
        std::string frame(4, '\0');
        Json::to_cbor(json, frame);
        for (std::size_t i = 0, length = frame.size() - 4; i < 4; ++i)
            frame[i] = static_cast<char>(length >> (8 * i) & 0xff);
        for (std::size_t sent = 0; sent < frame.size();) {
            const ssize_t count = ::send(3, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
            if (count <= 0)
                return false;
            sent += static_cast<std::size_t>(count);
        }
        return true;
    }

    AttackPlan m_plan;
    pid_t m_pid;
    FrameChannel m_real, m_engine;
    std::filesystem::path m_secret;
};

int relay(const AttackPlan& plan, const std::string& role)
{
    SandboxCommand command{{plan.learner, role}, {}, 0};
    for (char** setting = environ; *setting; ++setting)
        command.environment.emplace_back(*setting);
    auto real = spawn(command, {});
    return real ? Relay(plan, std::move(*real)).run() : 1;
}

} // namespace

void addNoise(WeightsFile& weights, double scale, Rng& rng)
{
    changeFloats(weights, [&](float value, double rms) { return static_cast<float>(value + scale * rms * rng.normal()); });
}

Json AttackPlan::toJson() const
{
    return {{"worker", worker}, {"judge", judge}, {"score", score}, {"seeds", seeds}, {"scale", scale}, {"token", token}, {"learner", learner}};
}

Result<AttackPlan> AttackPlan::fromJson(const Json& json)
{
    AttackPlan plan;
    Fields in(json, "the attack");
    in.read("worker", plan.worker).read("judge", plan.judge).read("score", plan.score).read("seeds", plan.seeds);
    in.read("scale", plan.scale).read("token", plan.token).read("learner", plan.learner).onlyKnown();
    RATCHET_CHECK(in.status());
    return plan;
}

int playAttacker(const AttackPlan& plan, const std::string& role)
{
    const std::string& kind = role == "judge" ? plan.judge : plan.worker;
    if (kind == "honest" || (role != "judge" && role != "worker")) {
        ::execl(plan.learner.c_str(), plan.learner.c_str(), role.c_str(), nullptr);
        return 1;
    }
    const bool relays = role == "judge" || kind == "understates" || kind == "skips tokens" || kind == "overruns";
    if (relays)
        return relay(plan, role);
    return forge(plan) ? 0 : 1;
}

} // namespace ratchet
