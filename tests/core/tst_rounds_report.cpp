// SPDX-License-Identifier: GPL-3.0-or-later
// Half lengths of known curves, and that CSV and figure hold every row and every arm.
#include <QTest>
#include <QXmlStreamReader>

#include "core/agent/rounds_report.h"

using namespace ratchet;

namespace {

using Points = QList<QPair<double, double>>;

// Two seeds, three arms, rounds 0 to 2, lengths 10 to 13; what is right falls from 1 to 0 at one length.
std::vector<LengthRow> someRows()
{
    std::vector<LengthRow> rows;
    for (const std::uint64_t seed : {1, 2})
        for (const std::string arm : {"oracle", "filtered", "none"})
            for (int round = 0; round <= 2; ++round)
                for (int length = 10; length <= 13; ++length) {
                    LengthRow row;
                    row.seed = seed;
                    row.arm = arm;
                    row.round = round;
                    row.length = length;
                    row.trained = 10 + round;
                    const int known = 10 + (arm == "none" ? 0 : round) + (seed == 2 && round == 2 ? 1 : 0);
                    row.accuracy = length <= known ? 1 : 0;
                    row.items = 100;
                    rows.push_back(row);
                }
    return rows;
}

} // namespace

class RoundsReportTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void halfLength_data()
    {
        QTest::addColumn<Points>("curve");
        QTest::addColumn<double>("length");
        QTest::addRow("between two lengths") << Points{{10, 1}, {11, 0.9}, {12, 0.1}, {13, 0}} << 11.5;
        QTest::addRow("at the first fall, though it rises again") << Points{{10, 1}, {12, 0}, {14, 1}} << 11.0;
        QTest::addRow("below from the beginning") << Points{{10, 0.4}, {11, 0.3}} << 10.0;
        QTest::addRow("never below") << Points{{10, 1}, {15, 0.5}} << 15.0;
        QTest::addRow("exactly half is not below") << Points{{10, 1}, {11, 0.5}, {12, 0}} << 11.0;
        QTest::addRow("one length") << Points{{10, 1}} << 10.0;
    }

    void halfLength()
    {
        QFETCH(Points, curve);
        QFETCH(double, length);
        std::vector<std::pair<double, double>> points;
        for (const auto& [x, y] : curve)
            points.emplace_back(x, y);
        QVERIFY(std::abs(halfLengthOf(points) - length) < 1e-9);
    }

    void halvesAreOverTheSeedsAndByArmAsTheyCame()
    {
        const auto halves = halfLengths(someRows());
        QCOMPARE(halves.size(), std::size_t(9));
        QCOMPARE(halves[0].arm, std::string("oracle"));
        QCOMPARE(halves[3].arm, std::string("filtered"));
        const HalfLength& last = halves[5]; // filtered, round 2: up to 12 and up to 13
        QCOMPARE(last.round, 2);
        QCOMPARE(last.seeds, 2);
        QCOMPARE(last.low, 12.5);
        QCOMPARE(last.high, 13.0);
        QCOMPARE(last.mean, 12.75);
    }

    void csvHasALineARow()
    {
        const auto rows = someRows();
        const QStringList lines = QString::fromStdString(roundsCsv(rows)).trimmed().split('\n');
        QCOMPARE(static_cast<std::size_t>(lines.size()), rows.size() + 1);
        const auto fields = lines[0].split(',').size();
        for (const QString& line : lines)
            QCOMPARE(line.split(',').size(), fields);
        QCOMPARE(lines[1], QString("1,oracle,0,10,10,1.0000,100,10.50,0,0.0000,0.0000,0.0000"));
    }

    void figureIsAFileThatNamesEverything()
    {
        const std::string svg = roundsFigure(someRows());
        QXmlStreamReader in(QByteArray::fromStdString(svg));
        QStringList texts;
        int lines = 0, bars = 0;
        QVERIFY(in.readNextStartElement());
        QCOMPARE(in.namespaceUri(), QString("http://www.w3.org/2000/svg"));
        while (!in.atEnd()) {
            in.readNext();
            if (in.isStartElement() && in.name() == QString("path"))
                lines += in.attributes().value("d").contains('L') ? 1 : 0;
            if (in.isStartElement() && in.name() == QString("line"))
                bars += in.attributes().value("class").contains(QString("bar")) ? 1 : 0;
            if (in.isStartElement() && in.name() == QString("text"))
                texts += in.readElementText();
        }
        QVERIFY2(!in.hasError(), qPrintable(in.errorString()));
        QCOMPARE(lines, 3 * 3 + 3); // rounds of three arms, and the arms
        QCOMPARE(bars, 9);          // ranges of three arms in three rounds
        for (const char* name : {"oracle", "filtered", "none", "round 0", "round 2", "50 % length in characters"})
            QVERIFY2(texts.contains(name), name);
    }
};

QTEST_GUILESS_MAIN(RoundsReportTest)
#include "tst_rounds_report.moc"
