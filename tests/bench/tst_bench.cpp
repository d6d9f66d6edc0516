// SPDX-License-Identifier: GPL-3.0-or-later
// The benches run, print well-formed figures, and measure the same work as their peer. No time is asserted.
#include <QtTest>

#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>

#include <cmath>

class TestBench : public QObject
{
    Q_OBJECT

    static constexpr const char* program = RATCHET_BIN_DIR "/ratchet";

private Q_SLOTS:
    void printsOneFigureALine_data()
    {
        QTest::addColumn<QString>("bench");
        QTest::addColumn<QStringList>("names");
        QTest::addRow("of the store") << "store" << QStringList{"store/written", "store/read", "store/size"};
        QTest::addRow("of training") << "train" << QStringList{"train-d128-t128/of-peak", "train-addition/of-peak", "workers-d128-t128/tokens"};
        QTest::addRow("of generation") << "generate" << QStringList{"generate-1", "generate-64"};
    }
    void printsOneFigureALine()
    {
        QFETCH(QString, bench);
        QFETCH(QStringList, names);
        QProcess process;
        process.start(program, {"bench", bench, "--quick", "--json"});
        QVERIFY(process.waitForFinished(280'000));
        const QByteArray errors = process.readAllStandardError();
        QVERIFY2(process.exitCode() == 0, errors.constData());
        QVERIFY2(errors.isEmpty() || errors.contains("no peer: install python3-torch"), errors.constData());
        QString seen;
        for (const QByteArray& line : process.readAllStandardOutput().split('\n')) {
            if (line.isEmpty())
                continue;
            const QJsonObject figure = QJsonDocument::fromJson(line).object();
            const QString name = figure["name"].toString();
            QVERIFY2(!name.isEmpty() && figure["value"].isDouble() && std::isfinite(figure["value"].toDouble()), line.constData());
            QVERIFY2(!figure["unit"].toString().isEmpty() && figure["n"].toInt() >= 1, line.constData());
            QVERIFY2(!figure.contains("peer") || figure["ratio"].toDouble() > 0, line.constData());
            if (name.contains("/losses"))
                QVERIFY2(figure["value"].toDouble() < 1e-4, line.constData());
            if (name.contains("/equal"))
                QVERIFY2(figure["value"].toDouble() > 99, line.constData());
            seen += name + "\n";
        }
        for (const QString& name : names)
            QVERIFY2(seen.contains(name), qPrintable(name + " is not among\n" + seen));
    }

    void aStoppedSelfTrainingKeepsItsRowsAndGoesOn()
    {
        const QTemporaryDir folder;
        const QString kept = folder.filePath("kept"), csv = folder.filePath("rows.csv"), figure = folder.filePath("figure.svg");
        const QStringList words{"bench",   "self-training", "--json", "--seeds", "1",       "--rounds", "3",        "--items", "5",    "--base", "5GFLOP",
                                "--round", "40GFLOP",       "--arms", "none",    "filtered", "--folder", kept,       "--csv",   csv,    "--figure", figure};
        const auto linesOf = [](const QString& path) {
            QFile file(path);
            return file.open(QIODevice::ReadOnly) ? file.readAll().count('\n') : 0;
        };
        QProcess stopped;
        stopped.start(program, words);
        QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(kept + "/seed-1/none-1/round.json"), 60'000);
        stopped.terminate();
        QVERIFY(stopped.waitForFinished(30'000));
        const QByteArray errors = stopped.readAllStandardError();
        QVERIFY2(stopped.exitCode() != 0 && errors.contains("goes on where it was stopped"), errors.constData());
        const auto before = linesOf(csv);
        QVERIFY(before > 1);
        QProcess again;
        again.start(program, words);
        QVERIFY(again.waitForFinished(120'000));
        QVERIFY2(again.exitCode() == 0, again.readAllStandardError().constData());
        const QByteArray figures = again.readAllStandardOutput();
        for (const char* name : {"self-training/base/length-16", "self-training/filtered/half-length/round-3", "self-training/none/length-11"})
            QVERIFY2(figures.contains(name), name);
        const auto after = linesOf(csv);
        QVERIFY(after > before);
        QCOMPARE(after, 1 + 2 * 4 * 8); // head; arms, rounds with the base, lengths
        QVERIFY(linesOf(figure) > 3);
    }

    void triesTheGate()
    {
        QProcess process;
        process.start(program, {"bench", "gate", "--quick", "--json"});
        QVERIFY(process.waitForFinished(120'000));
        QVERIFY2(process.exitCode() == 0, process.readAllStandardError().constData());
        QStringList rules;
        for (const QByteArray& line : process.readAllStandardOutput().split('\n')) {
            const QJsonObject row = QJsonDocument::fromJson(line).object();
            QVERIFY2(line.isEmpty() || row["name"].toString().startsWith("gate/"), line.constData());
            if (row["name"] == "gate/null")
                QVERIFY2(row["value"].toDouble() < 0.1, line.constData());
            for (const char* field : {"value", "unit", "n"})
                QVERIFY2(line.isEmpty() || row.contains(field), line.constData());
            if (row["name"] == "gate/rule")
                rules.append(row["rule"].toString());
        }
        QCOMPARE(rules, (QStringList{"naive best", "p < alpha", "Bonferroni", "Ladder", "e-LOND", "full gate"}));
        process.start(program, {"bench", "gate", "--null-labs", "20", "--labs", "1", "--json"});
        QVERIFY(process.waitForFinished(120'000));
        QCOMPARE(process.exitCode(), 1);
        QVERIFY(process.readAllStandardError().contains("20 labs do not show that at most 5.00 % accept a null proposal"));
        process.start(program, {"bench", "gate", "--alpha", "2"});
        QVERIFY(process.waitForFinished(10'000));
        QVERIFY2(process.exitCode() != 0 && process.readAllStandardError().contains("is not between 0 and 1"), "an alpha beyond one");
    }
};

QTEST_GUILESS_MAIN(TestBench)
#include "tst_bench.moc"
