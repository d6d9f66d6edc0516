// SPDX-License-Identifier: GPL-3.0-or-later
// `ratchet bench attacks --quick`: no deterministic attack is accepted, statistical ones not beyond alpha, the honest control
// is, and the naive gate falls.
#include <QProcess>
#include <QtTest>

#include "core/base/json.h"

using namespace ratchet;

class TestAttacks : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase();
    void theControlIsAccepted();
    void noAttackIsAccepted_data();
    void noAttackIsAccepted();
    void theNaiveGateFalls();

private:
    std::map<std::string, Json> m_lines;      // by name
};

void TestAttacks::initTestCase()
{
    QProcess process;
    process.start(QStringLiteral(RATCHET_BIN_DIR "/ratchet"), {QStringLiteral("bench"), QStringLiteral("attacks"), QStringLiteral("--quick"), QStringLiteral("--json")});
    QVERIFY2(process.waitForFinished(280'000), "it takes too long");
    for (const QByteArray& text : process.readAllStandardOutput().split('\n'))
        if (const auto line = parseJson(text.toStdString(), "a line"); line && !text.isEmpty())
            m_lines[line->value("name", "")] = *line;
    const QByteArray said = process.readAllStandardError();
    QVERIFY2(process.exitStatus() == QProcess::NormalExit && process.exitCode() == 0, said.constData());
    QVERIFY(said.isEmpty());
}

void TestAttacks::theControlIsAccepted()
{
    const Json& control = m_lines["attack/control"];
    QCOMPARE(control.value("accepted", 0), 1);
}

void TestAttacks::noAttackIsAccepted_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("stoppedBy");      // in one of the sentences with which it ended
    const auto row = [](const char* name, const char* stoppedBy) { QTest::addRow("%s", name) << name << stoppedBy; };
    row("lucky seed", "");
    row("boosting by many queries", "");
    row("leaked items", "judged texts stand in the documents of training and guide");
    row("unnormalised probabilities", "is not finite");
    row("future leak", "future");
    row("NaN score", "not finite");
    row("infinite score", "not finite");
    row("bool score", "out of range or none at all");
    row("huge score", "out of range or none at all");
    row("missing scores", "other numbers of confidences than of scores");
    row("missing field", "missing");
    row("time-out as score", "said nothing for");
    row("empty and endless answers", "");
    row("edited evaluator", "was changed during the comparison");
    row("edited budget", "steps that hold");
    row("capability trade", "not shown to be as good on addition-2");
    row("tool that answers everything", "allowed");
    row("behaves only when judged", "does not match");
}

void TestAttacks::noAttackIsAccepted()
{
    QFETCH(QString, name);
    QFETCH(QString, stoppedBy);
    const auto line = m_lines.find("attack/" + name.toStdString());
    QVERIFY(line != m_lines.end());
    QVERIFY2(line->second.value("tries", 0) > 0, line->second.dump().c_str());
    QVERIFY2(line->second.value("accepted", -1) == 0, line->second.dump().c_str());
    QVERIFY2(QString::fromStdString(line->second["stopped"].dump()).contains(stoppedBy), line->second.dump().c_str());
}

void TestAttacks::theNaiveGateFalls()
{
    int accepted = 0, attacks = 0;
    for (const auto& [name, line] : m_lines)
        if (name != "attack/control") {
            ++attacks;
            accepted += line.value("naiveAccepted", 0) > 0 ? 1 : 0;
        }
    QCOMPARE(attacks, 18);
    QVERIFY2(accepted >= 12, std::to_string(accepted).c_str());
}

QTEST_APPLESS_MAIN(TestAttacks)
#include "tst_attacks.moc"
