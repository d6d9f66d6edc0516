// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/worker.h"

#include "core/model/compat.h"
#include "core/plugin/loader.h"
#include "core/trainer/population.h"
#include "core/trainer/trainer.h"

namespace ratchet
{
namespace
{

// Events as frames. A channel that broke means that the engine is gone: the trial stops and keeps its state.
class Reporter
{
public:
    explicit Reporter(FrameChannel& channel) : m_channel(channel) {}
    [[nodiscard]] TrainEvents events()
    {
        TrainEvents events;
        events.onProgress = [this](const Progress& progress) { send(progress); };
        events.onPoints = [this](const Points& points) { send(points); };
        events.onObservation = [this](const Observation& observation) { send(observation); };
        events.isStopped = [this] { return isStopped(); };
        events.onProxy = [this](const Proxy& proxy) { return answerTo(proxy); };
        return events;
    }

private:
    void send(const Message& message)
    {
        if (!m_stopped && !m_channel.send(message))
            m_stopped = true;
    }
    // Whatever else comes after the spec can only mean stop: a Stop, the end of the stream, or nonsense.
    bool isStopped()
    {
        m_stopped = m_stopped || m_channel.isReadable();
        return m_stopped;
    }
    // Waits as long as the engine takes. Whatever is not Proceed can only mean stop here, too.
    AfterProxy answerTo(const Proxy& proxy)
    {
        send(proxy);
        const auto answer = m_stopped ? Result<Message>(Stop{}) : m_channel.receive();
        m_stopped = !answer || !std::holds_alternative<Proceed>(*answer);
        return m_stopped ? AfterProxy::Stop : AfterProxy::TrainOn;
    }
    FrameChannel& m_channel;
    bool m_stopped = false;
};

Result<Trained> trainFrom(FrameChannel& channel, const Placement& placement)
{
    RATCHET_TRY(message, channel.receive());
    const auto* const spec = std::get_if<TrainSpec>(&message);
    if (!spec)
        return fail(Code::BadInput, "A worker was sent something else than what to train.");
    RATCHET_CHECK(channel.send(Progress{0, 0, 0, 0, 0, "loading"}));
    RATCHET_TRY(domain, loadDomain(spec->domain, spec->corpus));
    Reporter reporter(channel);
    RATCHET_TRY(genome, Genome::fromJson(spec->genome));
    if (genome.recipe.isPopulation()) {
        RATCHET_TRY(population, Population::create(*spec, *domain, reporter.events(), placement));
        return population->run();
    }
    RATCHET_TRY(trainer, Trainer::create(*spec, *domain, reporter.events(), placement));
    return trainer->run();
}

} // namespace

int workerMain(FrameChannel& channel, const Placement& placement)
{
    prepareProcess(placement.threads);
    const Result<Trained> trained = trainFrom(channel, placement);
    const Status sent = trained ? channel.send(*trained) : channel.send(failureOf(trained.error()));
    return trained && sent ? 0 : 1;
}

} // namespace ratchet
