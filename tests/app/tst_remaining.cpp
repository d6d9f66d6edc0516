// SPDX-License-Identifier: GPL-3.0-or-later
// While a trial runs, the engine and the text view say how long it will still take.
#include <QProcess>

#include "tests/app/tiny_lab.h"

using namespace ratchet;

class TestRemaining : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theEngineTellsWhoWatches()
    {
        const TinyLab lab(1);
        std::chrono::milliseconds most{0};
        const auto engine = lab.open("very slow").value();
        const auto end = engine->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = false}, {}, [&](const EngineStatus& status) {
            for (const EngineStatus::Running& run : status.running)
                most = std::max(most, run.left);
        });
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        QVERIFY2(most >= std::chrono::seconds(1) && most <= std::chrono::seconds(4), qPrintable(QString::number(most.count())));
    }

    void theLinesOfARunSaySo()
    {
        const TinyLab lab(1);
        QProcess program;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QStringLiteral("RATCHET_LEARNER"), QString::fromStdString(lab.learner("very slow").string()));
        program.setProcessEnvironment(environment);
        program.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"), {"run", QString::fromStdString(lab.root().string()), "--teeth", "1"});
        QVERIFY(program.waitForFinished(60'000));
        const QString lines = QString::fromUtf8(program.readAllStandardOutput());
        const QRegularExpression left(QStringLiteral("seed model full \\d+ % loss [0-9.]+, [1-4]\\.0 s left;"));
        QVERIFY2(left.match(lines).hasMatch(), qPrintable(lines + QString::fromUtf8(program.readAllStandardError())));
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestRemaining test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_remaining.moc"
