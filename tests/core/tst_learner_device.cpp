// SPDX-License-Identifier: GPL-3.0-or-later
// What an engine makes of a wish for a device, with learners that answer as one with a GPU, one without, or not at all.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/file.h"
#include "core/launch/device.h"

using namespace ratchet;

class LearnerDeviceTest : public QObject
{
    Q_OBJECT

private:
    // A program that says this and keeps what it was asked in `asked`.
    std::filesystem::path learnerSaying(const QString& answer)
    {
        const std::filesystem::path file = std::filesystem::path(m_folder.path().toStdString()) / "a learner";
        const QString script = QStringLiteral("#!/bin/sh\necho \"$@\" > '%1'\necho '%2'\n").arg(m_folder.filePath("asked"), answer);
        if (!writeFile(file, script.toStdString()))
            return {};
        std::filesystem::permissions(file, std::filesystem::perms::owner_all);
        return file;
    }
    QTemporaryDir m_folder;

private Q_SLOTS:
    void theCpuIsNotAskedFor();
    void aDeviceIsTakenAsTheLearnerNamesIt();
    void aDeviceThatIsMissingIsRefused();
    void aLearnerThatSaysNothingIsNoDevice();
};

void LearnerDeviceTest::theCpuIsNotAskedFor()
{
    const auto cpu = chooseDevice("/nowhere", "cpu", "auto");
    QVERIFY(cpu && !cpu->isCuda() && cpu->memoryBytes == 0);
    QVERIFY(cpu->arguments().empty());
    LearnerDevice shared = *cpu;
    shared.threads = 4;
    QCOMPARE(shared.arguments(), (std::vector<std::string>{"--threads", "4"}));
    shared.kernels = "library";
    QCOMPARE(shared.arguments(), (std::vector<std::string>{"--threads", "4", "--kernels", "library"}));
    std::error_code error;
    if (!std::filesystem::exists("/dev/nvidiactl", error))
        QVERIFY(chooseDevice("/nowhere", "auto", "auto"));
}

void LearnerDeviceTest::aDeviceIsTakenAsTheLearnerNamesIt()
{
    const auto learner = learnerSaying(R"({"cuda": true, "device": "cuda:1", "precision": "bf16", "devices": [
        {"name": "cuda:0", "model": "A", "bf16": true, "memory": 1e9}, {"name": "cuda:1", "model": "B", "bf16": true, "memory": 8e9}]})");
    const auto device = chooseDevice(learner, "cuda:1", "auto");
    QVERIFY2(device, device ? "" : device.error().text.c_str());
    QVERIFY(device->isCuda());
    QCOMPARE(device->memoryBytes, 8e9);
    QCOMPARE(device->arguments(), (std::vector<std::string>{"--device", "cuda:1", "--precision", "bf16"}));
    const auto asked = readFile(m_folder.filePath("asked").toStdString());
    QVERIFY(asked);
    QCOMPARE(*asked, std::string("--device cuda:1 --precision auto devices\n"));
}

void LearnerDeviceTest::aDeviceThatIsMissingIsRefused()
{
    const auto device = chooseDevice(learnerSaying(R"({"error": "No CUDA device answers.", "hint": "Use the CPU."})"), "cuda", "auto");
    QVERIFY(!device);
    QCOMPARE(device.error().code, Code::Environment);
    QCOMPARE(device.error().text, std::string("No CUDA device answers."));
    QCOMPARE(device.error().hint, std::string("Use the CPU."));
}

void LearnerDeviceTest::aLearnerThatSaysNothingIsNoDevice()
{
    for (const std::filesystem::path& learner : {std::filesystem::path("/nowhere"), learnerSaying("hello"), learnerSaying("{}")}) {
        const auto device = chooseDevice(learner, "cuda", "auto");
        QVERIFY(!device);
    }
}

QTEST_GUILESS_MAIN(LearnerDeviceTest)
#include "tst_learner_device.moc"
