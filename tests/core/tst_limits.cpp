// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTemporaryDir>
#include <QtTest>

#include <fstream>

#include <unistd.h>

#include "core/agent/limits.h"
#include "core/genome/cost.h"
#include "tests/core/demo_space.h"

using namespace ratchet;

class TestLimits : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void aGroupIsBoundByThoseAboveIt()
    {
        const QTemporaryDir folder;
        const std::filesystem::path root = folder.path().toStdString();
        std::filesystem::create_directories(root / "jobs" / "job_7");
        const auto write = [&](const std::filesystem::path& group, const char* text) { std::ofstream(root / group / "memory.max") << text << '\n'; };
        QVERIFY(!memoryOfGroup(root, "/jobs/job_7"));                  // no controller
        write("jobs/job_7", "max");
        QVERIFY(!memoryOfGroup(root, "/jobs/job_7"));
        write("jobs", "3000000000");
        QCOMPARE(memoryOfGroup(root, "/jobs/job_7").value(), 3e9);
        write("jobs/job_7", "1000000000");
        QCOMPARE(memoryOfGroup(root, "/jobs/job_7").value(), 1e9);
        QCOMPARE(memoryOfGroup(root, "/jobs").value(), 3e9);
        QVERIFY(!memoryOfGroup(root, "/"));
    }

    void noMoreThanTheMachineHas()
    {
        const double machine = memoryOfMachine();
        QVERIFY(machine > 1e8);
        QVERIFY(machine <= double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGESIZE)));
    }

    void limitsAreGenerousButNotBeyondWhatThereIs()
    {
        const Genome genome = demoGenome();
        const double estimate = trainingMemory(genome, demoVocabulary, genome.architecture.context).bytes();
        QCOMPARE(limitsFor(Flops{1e12}, genome, demoVocabulary, 1e12).memoryBytes, 1e9 + 3 * estimate);
        QCOMPARE(limitsFor(Flops{1e12}, genome, demoVocabulary, 5e8).memoryBytes, 5e8);
        QVERIFY(limitsFor(Flops{1e12}, genome, demoVocabulary, 1e12).wall >= std::chrono::seconds(1000));
    }
};

QTEST_GUILESS_MAIN(TestLimits)
#include "tst_limits.moc"
