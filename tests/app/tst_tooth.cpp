// SPDX-License-Identifier: GPL-3.0-or-later
// One tooth of the loop with the built programs: real workers and judges, on budgets so small that little is learnt. The
// same seed comes to the same versions and verdicts, whatever is killed on the way.
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <fmt/format.h>
#include <thread>

#include "core/base/rng.h"
#include "core/guard/ledger.h"
#include "core/launch/process_tree.h"
#include "core/store/lab.h"

using namespace ratchet;

namespace {

constexpr int patience = 120'000;

struct Answer { int status = -1; QString out, err; };

template <typename T> T taken(Result<T> result)
{
    return std::move(result).value();
}

std::string roleOf(pid_t process)
{
    const auto words = readFile(fmt::format("/proc/{}/cmdline", process));
    if (!words || words->find("ratchet-learner") == std::string::npos || words->find("bwrap") != std::string::npos)
        return {};
    return words->find("worker") != std::string::npos ? "worker" : words->find("judge") != std::string::npos ? "judge" : "";
}

} // namespace

class TestTooth : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    QString m_policy = m_folder.filePath(QStringLiteral("policy.json"));

    [[nodiscard]] static QString program() { return QStringLiteral(RATCHET_BIN_DIR "/ratchet"); }
    [[nodiscard]] LabPaths paths(const QString& lab) const { return {std::filesystem::path(m_folder.filePath(lab).toStdString())}; }
    [[nodiscard]] std::unique_ptr<Store> read(const QString& lab) const { return Store::open(paths(lab).database(), Store::Mode::ReadOnly).value(); }

    // In the folder of the labs, so that they are named by relative paths.
    Answer ratchet(const QStringList& words)
    {
        QProcess process;
        process.setWorkingDirectory(m_folder.path());
        process.start(program(), words);
        if (!process.waitForFinished(patience))
            process.kill();
        return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1, QString::fromUtf8(process.readAllStandardOutput()),
                QString::fromUtf8(process.readAllStandardError())};
    }
    Answer makeLab(const QString& lab)
    {
        return ratchet({QStringLiteral("new"), lab, QStringLiteral("--domain"), QStringLiteral("arithmetic"), QStringLiteral("--seed"),
                        QStringLiteral("5"), QStringLiteral("--budget"), QStringLiteral("100GFLOP"), QStringLiteral("--trial-budget"),
                        QStringLiteral("5GFLOP"), QStringLiteral("--candidates"), QStringLiteral("2")});
    }
    [[nodiscard]] QStringList runWords(const QString& lab) const
    {
        return {QStringLiteral("run"), lab, QStringLiteral("--teeth"), QStringLiteral("1"), QStringLiteral("--unattended"), m_policy,
                QStringLiteral("--workers"), QStringLiteral("2"), QStringLiteral("--json")};
    }
    // Runs one tooth and kills the first learner in this role once `from` trials were begun.
    Answer runKilling(const QString& lab, const std::string& role, std::size_t from)
    {
        QProcess process;
        process.setWorkingDirectory(m_folder.path());
        process.start(program(), runWords(lab));
        bool killed = false;
        while (!process.waitForFinished(20)) {
            if (killed || read(lab)->trials().value().size() < from)
                continue;
            for (const pid_t child : processTree(static_cast<pid_t>(process.processId())))
                if (!killed && roleOf(child) == role)
                    killed = ::kill(child, SIGKILL) == 0;
        }
        return {killed ? process.exitCode() : -2, QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
    }
    // Everything that a seed determines, as text.
    [[nodiscard]] QString account(const QString& lab) const
    {
        const auto store = read(lab);
        std::vector<std::string> versions;
        for (const VersionRecord& version : taken(store->versions()))
            versions.push_back(version.hash.hex);
        std::sort(versions.begin(), versions.end());
        std::string text = fmt::format("{}\n", fmt::join(versions, "\n"));
        for (const ProposalRecord& p : taken(store->proposals()))
            text += fmt::format("{} {} {}\n", p.id.value, p.operatorName, toText(p.state));
        for (const VerdictRecord& v : taken(store->verdicts()))
            text += fmt::format("{} {} {} {} {}\n", v.proposal.value, toText(v.verdict), v.k, v.eValue, v.pairs);
        return QString::fromStdString(text + fmt::format("{}", store->spent().value().value));
    }
    [[nodiscard]] int failed(const QString& lab) const
    {
        const auto trials = read(lab)->trials().value();
        return static_cast<int>(std::count_if(trials.begin(), trials.end(), [](const TrialRecord& t) { return t.state == TrialState::Failed; }));
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(writeFile(m_policy.toStdString(), R"({"approve": "accepted", "minDifference": 0.0, "maxDeployments": 9, "reason": "A test decides."})"));
        QCOMPARE(makeLab(QStringLiteral("whole")).status, 0);
        const Answer run = ratchet(runWords(QStringLiteral("whole")));
        QVERIFY2(run.status == 0, qPrintable(run.err));
    }

    void aToothIsWhole()
    {
        const auto store = read(QStringLiteral("whole"));
        QCOMPARE(store->trials().value().size(), 3U);
        QCOMPARE(store->verdicts().value().size(), 2U);
        QCOMPARE(failed(QStringLiteral("whole")), 0);
        for (const TrialRecord& trial : taken(store->trials())) {
            QVERIFY(trial.spent.value > 0.5 * trial.budget.value && trial.spent <= trial.budget);
            QVERIFY(trial.steps > 0 && trial.tokens > 0 && trial.peakBytes > 1e7);
            QVERIFY(!store->series(trial.id).value().empty());
            QVERIFY(!store->layers(trial.id).value().empty());
            QVERIFY(trial.platform["sandbox"]["level"].get<int>() >= 1);
        }
        const auto entries = store->ledger().value();
        QVERIFY(std::any_of(entries.begin(), entries.end(), [](const LedgerEntry& e) { return e.line.find("A test decides.") != std::string::npos; }));
        for (const QStringList& words : {QStringList{QStringLiteral("ledger"), QStringLiteral("verify"), QStringLiteral("whole")},
                                         QStringList{QStringLiteral("check"), QStringLiteral("whole")}}) {
            const Answer answer = ratchet(words);
            QVERIFY2(answer.status == 0, qPrintable(answer.out + answer.err));
        }
    }

    void theSameSeedTwice()
    {
        QCOMPARE(makeLab(QStringLiteral("twin")).status, 0);
        QCOMPARE(ratchet(runWords(QStringLiteral("twin"))).status, 0);
        QCOMPARE(account(QStringLiteral("twin")), account(QStringLiteral("whole")));
    }

    void theEngineIsKilledAndGoesOn()
    {
        QCOMPARE(makeLab(QStringLiteral("killed")).status, 0);
        Rng rng(1);
        // One more run after the tooth is whole would turn another.
        const auto isWhole = [this] {
            const auto teeth = read(QStringLiteral("killed"))->teeth().value();
            return !teeth.empty() && teeth.front().stage == "done";
        };
        for (const int earliest : {1500, 3000, 4500}) {
            if (isWhole())
                break;
            QProcess process;
            process.setWorkingDirectory(m_folder.path());
            process.start(program(), runWords(QStringLiteral("killed")));
            std::this_thread::sleep_for(std::chrono::milliseconds(earliest + static_cast<int>(rng.below(1500))));
            process.kill();
            process.waitForFinished(patience);
        }
        if (!isWhole()) {
            const Answer last = ratchet(runWords(QStringLiteral("killed")));
            QVERIFY2(last.status == 0, qPrintable(last.err));
        }
        QCOMPARE(account(QStringLiteral("killed")), account(QStringLiteral("whole")));
        QCOMPARE(ratchet({QStringLiteral("ledger"), QStringLiteral("verify"), QStringLiteral("killed")}).status, 0);
    }

    void aKilledWorkerCostsOneTrialAndAKilledJudgeNone()
    {
        const Answer run = runKilling(QStringLiteral("whole"), "worker", 4);
        QVERIFY2(run.status == 0, qPrintable(run.err));
        QCOMPARE(failed(QStringLiteral("whole")), 1);
        const auto before = read(QStringLiteral("whole"))->verdicts().value().size();
        QCOMPARE(before, 3U);                                          // the other one was judged
        const auto trials = read(QStringLiteral("whole"))->trials().value().size();
        const Answer second = runKilling(QStringLiteral("whole"), "judge", trials + 1);
        QVERIFY2(second.status == 0, qPrintable(second.err));
        QCOMPARE(failed(QStringLiteral("whole")), 1);
        const auto verdicts = read(QStringLiteral("whole"))->verdicts().value();
        QCOMPARE(std::count_if(verdicts.begin(), verdicts.end(), [](const VerdictRecord& v) { return v.verdict == Verdict::NoResult; }), 1);
        QCOMPARE(ratchet({QStringLiteral("check"), QStringLiteral("whole")}).status, 0);
    }

    void aTextLabTurnsToo()
    {
        const Answer made = ratchet({QStringLiteral("new"), QStringLiteral("text"), QStringLiteral("--domain"), QStringLiteral("text"),
                                     QStringLiteral("--corpus"), QStringLiteral(RATCHET_SOURCE_DIR "/core"), QStringLiteral("--seed"), QStringLiteral("5"),
                                     QStringLiteral("--budget"), QStringLiteral("100GFLOP"), QStringLiteral("--trial-budget"),
                                     QStringLiteral("10GFLOP"), QStringLiteral("--candidates"), QStringLiteral("1")});
        QVERIFY2(made.status == 0, qPrintable(made.err));
        const Answer run = ratchet(runWords(QStringLiteral("text")));
        QVERIFY2(run.status == 0, qPrintable(run.err));
        const auto store = read(QStringLiteral("text"));
        QCOMPARE(store->verdicts().value().size(), 1U);
        for (const ScorecardRecord& card : taken(store->scorecards()))
            QVERIFY(card.championMean > 0 && card.championMean < 1 && card.items > 0);
        const Answer status = ratchet({QStringLiteral("status"), QStringLiteral("text")});
        const QRegularExpression bits(QStringLiteral("Score +([0-9.]+) bits per byte"));
        const double shown = bits.match(status.out).captured(1).toDouble();
        QVERIFY2(shown > 1 && shown < 8, qPrintable(status.out));
        QCOMPARE(ratchet({QStringLiteral("check"), QStringLiteral("text")}).status, 0);
    }
};

QTEST_GUILESS_MAIN(TestTooth)
#include "tst_tooth.moc"
