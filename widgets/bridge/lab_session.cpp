// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/bridge/lab_session.h"

#include <pwd.h>
#include <unistd.h>

#include <QPointer>

#include "widgets/bridge/lab_reader.h"
#include "widgets/bridge/lab_runner.h"

namespace ratchet {
namespace {

QString loginName()
{
    const passwd* entry = getpwuid(getuid());
    return entry && entry->pw_name ? QString::fromLocal8Bit(entry->pw_name) : QStringLiteral("unknown");
}

QString endSentence(RunEnd end)
{
    switch (end) {
    case RunEnd::Teeth: return LabSession::tr("The step is done.");
    case RunEnd::Goal: return LabSession::tr("The goal is reached.");
    case RunEnd::OutOfTime: return LabSession::tr("The time is over.");
    case RunEnd::Budget: return LabSession::tr("The budget is spent.");
    case RunEnd::Stopped: return LabSession::tr("The engine was stopped.");
    case RunEnd::WaitingForPerson: return LabSession::tr("Only a person can go on: a decision waits in Review.");
    }
    return {};
}

// What came of a run that was to do nothing but this replication.
Result<QString> replicatedSentence(const Store& store, const Request& asked)
{
    RATCHET_TRY(answers, store.answers(100));
    for (const AnswerRecord& answer : answers)
        if (answer.request == asked.id && !answer.ok)
            return QString::fromStdString(answer.text);
    RATCHET_TRY(wish, replicationWish(asked.arguments));
    RATCHET_TRY(measured, measuredRuns(store, wish));
    if (measured >= wish.seeds)
        return LabSession::tr("It is measured: Critic, page Controls.");
    return LabSession::tr("Of %1 results %2 are measured.").arg(wish.seeds).arg(measured);      // withdrawn, or trainings failed
}

} // namespace

struct LabSession::Private {
    LabPaths paths;
    std::shared_ptr<const Snapshot> snapshot;
    Selection selection;
    QString reviewer = loginName();
    std::vector<Request> asked;                       // not answered yet by an engine
    std::unique_ptr<LabReader> reader;
    std::unique_ptr<LabRunner> runner;
};

LabSession::LabSession() : d(std::make_unique<Private>()) {}

LabSession::~LabSession()
{
    // Both post to this object from their threads: they end before it does.
    d->runner.reset();
    d->reader.reset();
}

Result<std::unique_ptr<LabSession>> LabSession::open(const std::filesystem::path& lab)
{
    std::unique_ptr<LabSession> session(new LabSession);
    LabSession* self = session.get();
    self->d->paths = LabPaths{lab};
    RATCHET_CHECK(readLabConfig(self->d->paths));

    const auto publish = [self](std::shared_ptr<const Snapshot> snapshot) {
        QMetaObject::invokeMethod(self, [self, snapshot] { self->take(snapshot); }, Qt::QueuedConnection);
    };
    const auto problem = [self](const Error& error) {
        QMetaObject::invokeMethod(self, [self, error] { self->report(error); }, Qt::QueuedConnection);
    };
    RATCHET_TRY(reader, LabReader::start(self->d->paths, publish, problem));
    self->d->snapshot = reader->first();
    self->d->reader = std::move(reader);

    const auto ended = [self](const std::optional<Request>& first, const Result<RunEnd>& end) {
        QMetaObject::invokeMethod(self, [self, first, end] {
            if (!end)
                self->report(end.error());
            self->take(self->d->snapshot);
            if (!end || *end != RunEnd::Teeth || !first)
                Q_EMIT self->engineEnded(end ? endSentence(*end) : QString::fromStdString(end.error().text));
            else
                self->question<QString>(self, [first](const Store& store) { return replicatedSentence(store, *first); },
                                        [self](const QString& how) { Q_EMIT self->engineEnded(how); });
        }, Qt::QueuedConnection);
    };
    const auto refused = [self](const Request& request, const Error& error) {     // unless its answer was heard already
        QMetaObject::invokeMethod(self, [self, id = request.id, error] {
            if (std::erase_if(self->d->asked, [&](const Request& one) { return one.id == id; }) > 0)
                self->report(error);
        }, Qt::QueuedConnection);
    };
    self->d->runner = std::make_unique<LabRunner>(lab, ended, refused);
    return session;
}

void LabSession::take(const std::shared_ptr<const Snapshot>& snapshot)
{
    const bool ours = d->runner && d->runner->isRunning();
    d->snapshot = snapshot;
    if (snapshot->engineIsOurs != ours) {
        auto copy = std::make_shared<Snapshot>(*snapshot);
        copy->engineIsOurs = ours;
        copy->engineRuns = copy->engineRuns || ours;
        d->snapshot = copy;
    }
    hearAnswer(*snapshot);
    Q_EMIT changed();
}

// An engine, here or in another program, stores what became of each request; only refusals of ours are told.
void LabSession::hearAnswer(const Snapshot& snapshot)
{
    for (auto answer = snapshot.answers.rbegin(); answer != snapshot.answers.rend(); ++answer)
        if (std::erase_if(d->asked, [&](const Request& one) { return one.id == answer->request; }) > 0 && !answer->ok)
            report({answer->code, answer->text, answer->hint});
}

void LabSession::report(const Error& error)
{
    Q_EMIT failed(QString::fromStdString(error.text), QString::fromStdString(error.hint));
}

const LabPaths& LabSession::paths() const
{
    return d->paths;
}

std::shared_ptr<const Snapshot> LabSession::snapshot() const
{
    return d->snapshot;
}

const Selection& LabSession::selection() const
{
    return d->selection;
}

void LabSession::select(const Selection& selection)
{
    if (selection == d->selection)
        return;
    const Snapshot& now = *d->snapshot;
    Selection full = selection;
    if (selection.version && selection.version != d->selection.version) {
        const VersionRecord* version = now.version(*selection.version);
        full.trial = version ? version->trial : std::nullopt;
        const TrialRecord* trial = full.trial ? now.trial(*full.trial) : nullptr;
        full.proposal = trial && trial->proposal.isSet() ? std::optional(trial->proposal) : std::nullopt;
    } else if (selection.proposal && selection.proposal != d->selection.proposal) {
        const TrialRecord* trial = now.trialOf(*selection.proposal);
        full.trial = trial ? std::optional(trial->id) : std::nullopt;
        full.version = trial ? trial->version : std::nullopt;
    } else if (selection.trial && selection.trial != d->selection.trial) {
        const TrialRecord* trial = now.trial(*selection.trial);
        full.proposal = trial && trial->proposal.isSet() ? std::optional(trial->proposal) : std::nullopt;
        full.version = trial ? trial->version : std::nullopt;
    }
    if (full == d->selection)
        return;
    d->selection = full;
    Q_EMIT selectionChanged();
}

void LabSession::selectProposal(Id<ProposalRecord> proposal)
{
    select({proposal, std::nullopt, std::nullopt});
}

void LabSession::selectVersion(const Hash& version)
{
    select({std::nullopt, std::nullopt, version});
}

// Runs `read` on the reader's thread and hands its value to `answer` here, unless the receiver went away meanwhile.
template <typename Value>
void LabSession::question(QObject* receiver, std::function<Result<Value>(const Store&)> read, std::function<void(Value)> answer)
{
    d->reader->ask([this, receiver = QPointer<QObject>(receiver), read = std::move(read), answer = std::move(answer)](const Store& store) {
        auto value = std::make_shared<Result<Value>>(read(store));
        QMetaObject::invokeMethod(this, [this, receiver, value, answer] {
            if (!*value)
                report(value->error());
            if (receiver)
                answer(*value ? std::move(**value) : Value{});
        }, Qt::QueuedConnection);
    });
}

void LabSession::askSeries(Id<TrialRecord> trial, QObject* receiver, std::function<void(std::vector<SeriesInfo>)> answer)
{
    question<std::vector<SeriesInfo>>(receiver, [trial](const Store& store) { return store.series(trial); }, std::move(answer));
}

void LabSession::askPoints(std::int64_t series, std::int64_t from, std::int64_t to, int maxBuckets, QObject* receiver,
                           std::function<void(std::vector<SeriesBucket>)> answer)
{
    question<std::vector<SeriesBucket>>(
        receiver, [=](const Store& store) { return store.points(series, from, to, maxBuckets); }, std::move(answer));
}

void LabSession::askLayers(Id<TrialRecord> trial, QObject* receiver, std::function<void(std::vector<LayerRecord>)> answer)
{
    question<std::vector<LayerRecord>>(receiver, [trial](const Store& store) { return store.layers(trial); }, std::move(answer));
}

void LabSession::start(const RunLimits& limits)
{
    if (d->runner->isRunning() || d->snapshot->engineRuns) {
        ask(limits.teeth ? QStringLiteral("step") : QStringLiteral("resume"), Json::object());
        return;
    }
    d->runner->start(limits);
    take(d->snapshot);
}

void LabSession::pause()
{
    ask(QStringLiteral("pause"), Json::object());
}

void LabSession::resume()
{
    ask(QStringLiteral("resume"), Json::object());
}

void LabSession::stop()
{
    if (d->runner->isRunning())
        d->runner->stop();
    else
        ask(QStringLiteral("stop"), Json::object());
}

void LabSession::replicate(const ReplicationWish& wish)
{
    const Request request = requestOf(QStringLiteral("replicate"), toJson(wish));
    if (d->runner->isRunning() || d->snapshot->engineRuns)
        return d->runner->carry(request);
    RunLimits only;
    only.teeth = 0;
    d->runner->start(only, request);
    take(d->snapshot);
}

Request LabSession::requestOf(const QString& kind, const Json& arguments)
{
    d->asked.push_back({kind.toStdString(), "person:" + d->reviewer.toStdString(), arguments, now()});
    return d->asked.back();
}

void LabSession::ask(const QString& kind, const Json& arguments)
{
    d->runner->carry(requestOf(kind, arguments));
}

QString LabSession::reviewer() const
{
    return d->reviewer;
}

void LabSession::setReviewer(const QString& name)
{
    d->reviewer = name.trimmed().isEmpty() ? loginName() : name.trimmed();
}

} // namespace ratchet
