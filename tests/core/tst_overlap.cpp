// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <array>

#include "core/base/rng.h"
#include "core/plugin/overlap.h"
#include "tests/core/passage.h"

using namespace ratchet;

class TestOverlap : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void findsWhatStandsInTraining_data();
    void findsWhatStandsInTraining();
    void countsTextsAndNotGrams();
    void cutsWhatStandsInTraining_data();
    void cutsWhatStandsInTraining();
    void whatIsLeftHasNoPassageInCommon();
    void aPassageIsFoundWhereverItStands();
};

void TestOverlap::findsWhatStandsInTraining_data()
{
    QTest::addColumn<QString>("trained");
    QTest::addColumn<int>("leaked");
    const QString judged = QString::fromStdString(words(1, 40)), other = QString::fromStdString(words(2, 400));
    QTest::addRow("another text holds nothing of it") << other << 0;
    QTest::addRow("the text itself") << judged << 1;
    QTest::addRow("the text in the middle of another") << other + judged + other << 1;
    QTest::addRow("in capitals, with other spaces and signs") << judged.toUpper().replace(' ', "  -- ") << 1;
    QTest::addRow("half of it") << other + judged.left(judged.size() / 2) << 0;
    QTest::addRow("all but a word at the end") << judged.left(judged.size() - 8) << 1;
    QTest::addRow("every fourth word another") << QString(judged).replace(QRegularExpression("(\\w+ \\w+ \\w+ )\\w+"), "\\1x") << 0;
    QTest::addRow("nothing") << QString() << 0;
}

void TestOverlap::findsWhatStandsInTraining()
{
    QFETCH(QString, trained);
    QFETCH(int, leaked);
    Overlap overlap(Overlap::questions);
    overlap.addJudged(words(1, 40));
    overlap.addTrained(trained.toStdString());
    QCOMPARE(overlap.judged(), 1);
    QCOMPARE(overlap.leaked(), leaked);
}

void TestOverlap::countsTextsAndNotGrams()
{
    Overlap overlap(Overlap::questions);
    for (std::uint64_t seed = 1; seed <= 10; ++seed)
        overlap.addJudged(words(seed, 30));
    overlap.addJudged("Short: 12 + 34?");
    overlap.addJudged("Never seen.");
    overlap.addJudged("");
    QCOMPARE(overlap.judged(), 13);
    for (const std::uint64_t seed : {3, 7, 40})
        overlap.addTrained(words(seed, 30));
    QCOMPARE(overlap.leaked(), 2);
    QVERIFY(overlap.isLeaked(2) && !overlap.isLeaked(3) && !overlap.isLeaked(10));
    overlap.addTrained("It was never seen.");      // a short text has to be one of its own
    for (const char* other : {"short 12 34", "short: 12 - 34", "short: 12 * 34"})
        overlap.addTrained(other);
    QVERIFY(!overlap.isLeaked(10));
    overlap.addTrained("  SHORT, 12+34 =");
    QVERIFY(overlap.isLeaked(10) && !overlap.isLeaked(11) && !overlap.isLeaked(12));
}

void TestOverlap::cutsWhatStandsInTraining_data()
{
    QTest::addColumn<QString>("judged");
    QTest::addColumn<QStringList>("parts");
    const QString known = QString::fromStdString(words(1, 40)).trimmed();
    const QString one = "Whales sing at night.", other = "Nobody knows why.";
    QTest::addRow("nothing of it") << one + " " + other << QStringList{one + " " + other};
    QTest::addRow("all of it") << known << QStringList{};
    QTest::addRow("its end") << one + " " + known << QStringList{"Whales sing at night"};
    QTest::addRow("its beginning") << known + " " + other << QStringList{other};
    QTest::addRow("its middle") << one + " " + known + " " + other << QStringList{"Whales sing at night", other};
    QTest::addRow("from within a word to within a word") << one + "xx" + known + "xx " + other << QStringList{one, " " + other};
    QTest::addRow("in capitals, with other signs") << one + " " + known.toUpper().replace(' ', " - ") + " " + other << QStringList{"Whales sing at night", other};
    QTest::addRow("less than a passage") << one + " " + known.left(40) + " " + other << QStringList{one + " " + known.left(40) + " " + other};
    QTest::addRow("twice") << known + " " + one + " " + known.mid(20) << QStringList{one + " "};
    QTest::addRow("beside characters of several bytes") << QString::fromUtf8("Größe über größe, größer ") + known << QStringList{QString::fromUtf8("Größe über größe, größer")};
    QTest::addRow("a short text of its own") << "Hello, world" << QStringList{};
    QTest::addRow("no letters") << "-- ** --" << QStringList{"-- ** --"};
    QTest::addRow("empty") << "" << QStringList{};
}

void TestOverlap::cutsWhatStandsInTraining()
{
    QFETCH(QString, judged);
    QFETCH(QStringList, parts);
    const std::string text = judged.toStdString();
    Overlap overlap(Overlap::passages);
    overlap.addJudged(text);
    overlap.addTrained(words(2, 60) + words(1, 40) + words(3, 60));
    overlap.addTrained("hello world");
    QStringList got;
    for (const std::string_view part : overlap.clearParts(text))
        got << QString::fromUtf8(part.data(), static_cast<qsizetype>(part.size()));
    QCOMPARE(got, parts);
}

// Texts out of few words, so that passages come again everywhere.
void TestOverlap::whatIsLeftHasNoPassageInCommon()
{
    int cut = 0, left = 0;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Rng rng(seed);
        const auto chant = [&rng](int count) {
            constexpr std::array verses{"and the sea was still ", "and he said unto them, ", "Go; ", "they rose up early in the morning\n", "for ever and ever. "};
            std::string text;
            for (int i = 0; i < count; ++i)
                text += std::string(verses.at(rng.below(verses.size()))) + std::to_string(rng.below(7)) + " ";
            return text;
        };
        const std::string judged = chant(60), trained = chant(120);
        Overlap overlap(Overlap::passages);
        overlap.addJudged(judged);
        overlap.addTrained(trained);
        const auto parts = overlap.clearParts(judged);
        cut += parts.size() != 1 || parts.front().size() < judged.size() ? 1 : 0;
        Overlap again(Overlap::passages);
        for (const std::string_view part : parts)
            for (std::size_t at = 0; at < part.size(); at += 7, ++left)      // any piece of it
                again.addJudged(part.substr(at, 64 + rng.below(200)));
        again.addTrained(trained);
        QCOMPARE(again.leaked(), 0);
    }
    QVERIFY(cut > 40 && left > 1000);
}

void TestOverlap::aPassageIsFoundWhereverItStands()
{
    std::string letters;
    Rng rng(5);
    for (int i = 0; i < 400; ++i)
        letters += static_cast<char>('a' + rng.below(26));
    for (const auto& rule : {Overlap::passages, Overlap::Rule{Overlap::questions.gram, 0}})
        for (std::size_t at = 0; at < 100; ++at) {
            Overlap overlap(rule);
            for (const std::size_t before : {at, 2 * at})
                for (const std::size_t length : {rule.gram, rule.gram - 1})
                    overlap.addJudged(std::string(before, '1') + letters.substr(200, length) + std::string(at + 1, '2'));
            overlap.addTrained(letters.substr(at));
            QVERIFY2(overlap.isLeaked(0) && !overlap.isLeaked(1) && overlap.isLeaked(2) && !overlap.isLeaked(3), qPrintable(QString::number(at)));
        }
}

QTEST_APPLESS_MAIN(TestOverlap)
#include "tst_overlap.moc"
