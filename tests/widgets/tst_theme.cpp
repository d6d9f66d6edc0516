// SPDX-License-Identifier: GPL-3.0-or-later
// Colours, icons and figures of the window in both themes.
#include <QtTest>

#include "widgets/style/format.h"
#include "widgets/style/score_format.h"
#include "widgets/style/theme.h"

using namespace ratchet;

class ThemeTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void textAndMarksHaveContrast_data()
    {
        QTest::addColumn<bool>("dark");
        QTest::addRow("light") << false;
        QTest::addRow("dark") << true;
    }
    void textAndMarksHaveContrast()
    {
        QFETCH(bool, dark);
        const Tokens& t = dark ? darkTokens() : lightTokens();
        QCOMPARE(t.dark, dark);
        for (const QColor& ground : {t.window, t.surface, t.raised, t.selection}) {
            for (const QColor& words : {t.text, t.secondary})
                QVERIFY2(contrast(words, ground) >= 4.5, qPrintable(QStringLiteral("text %1 on %2: %3").arg(words.name(), ground.name()).arg(contrast(words, ground))));
        }
        QVERIFY(contrast(t.onAccent, t.accent) >= 4.5);
        for (const QColor& ground : {t.window, t.surface, t.raised}) {
            for (int state = 0; state <= static_cast<int>(State::Queued); ++state)
                QVERIFY2(contrast(t.state(static_cast<State>(state)), ground) >= 3,
                         qPrintable(QStringLiteral("state %1 on %2: %3").arg(state).arg(ground.name()).arg(contrast(t.state(static_cast<State>(state)), ground))));
            for (int index = 0; index < 6; ++index)
                QVERIFY2(contrast(seriesColor(t, index), ground) >= 3,
                         qPrintable(QStringLiteral("series %1 on %2: %3").arg(index).arg(ground.name()).arg(contrast(seriesColor(t, index), ground))));
        }
    }
    void contrastIsTheKnownRatio()
    {
        QCOMPARE(qRound(contrast(Qt::white, Qt::black)), 21);
        QVERIFY(std::abs(contrast(QColor(0x777777), Qt::white) - 4.48) < 0.01);   // WCAG's own example of a near miss
    }
    void everyStateHasItsOwnShape()
    {
        QStringList names;
        for (int state = 0; state <= static_cast<int>(State::Queued); ++state) {
            const QString name = iconName(static_cast<State>(state));
            const QImage picture = iconPixmap(name, Qt::red, 32, 1).toImage();
            QVERIFY2(picture != QImage(picture.size(), picture.format()), qPrintable(name));
            QVERIFY2(QFile::exists(QStringLiteral(":/icons/%1.svg").arg(name)), qPrintable(name));
            QVERIFY(!names.contains(name));
            names << name;
        }
    }
    void iconsAreDrawnInTheColourAskedFor()
    {
        const QImage picture = iconPixmap(QStringLiteral("check"), Qt::red, 32, 1).toImage();
        int red = 0;
        for (int y = 0; y < 32; ++y)
            for (int x = 0; x < 32; ++x)
                red += picture.pixelColor(x, y).red() > 200 && picture.pixelColor(x, y).alpha() > 100;
        QVERIFY(red > 20);
    }
    void figuresHaveEqualWidth()
    {
        const QFontMetricsF metrics(numberFont(40));
        for (const char digit : {'0', '2', '3', '4', '5', '6', '7', '8', '9'})
            QCOMPARE(metrics.horizontalAdvance(QLatin1Char(digit)), metrics.horizontalAdvance(QLatin1Char('1')));
    }
    void numbersReadAsPeopleWriteThem()
    {
        const ScoreFormat answers(Measure::ExactMatch), likelihoods(Measure::BitsPerByte);
        QCOMPARE(answers.gain(0.061, 0.040, 0.083), QStringLiteral("+6.1 pts [4.0, 8.3]"));
        QCOMPARE(answers.gain(-0.011), QStringLiteral("\u22121.1 pts"));
        QCOMPARE(answers.gain(0.0), QStringLiteral("0.0 pts"));
        QCOMPARE(answers.gain(-0.00001), QStringLiteral("0.0 pts"));
        QCOMPARE(answers.gain(std::nan("")), QStringLiteral("no value"));
        QCOMPARE(answers.score(0.9431), QStringLiteral("0.943"));
        QCOMPARE(likelihoods.score(0.75), QStringLiteral("2.000"));        // 8 (1 - s) bits per byte
        QCOMPARE(likelihoods.value(0.75), 2.0);
        QCOMPARE(likelihoods.gain(0.01, -0.0025, 0.0225), QStringLiteral("+0.080 bits [\u22120.020, 0.180]"));
        QCOMPARE(likelihoods.deviation(0.002), QStringLiteral("0.016"));
        QVERIFY(answers.countsAnswers() && !likelihoods.countsAnswers());
        QCOMPARE(formatShare(0.194, 0.157, 0.236), QStringLiteral("19.4 % [15.7, 23.6]"));
        QCOMPARE(formatFlopsOf({6.1e12}, {1e13}), QStringLiteral("6.1 of 10 TFLOP"));
        QCOMPARE(formatFlopsOf({4e11}, {1e13}), QStringLiteral("400 GFLOP of 10 TFLOP"));
        QCOMPARE(formatEValue(std::log(14.2)), QStringLiteral("14.2"));
        QCOMPARE(formatEValue(std::log(0.032)), QStringLiteral("0.032"));
        QCOMPARE(formatEValue(std::log(2e7)), QStringLiteral("1e7"));
        QCOMPARE(formatCount(105000), QStringLiteral("105\u202F000"));
        QCOMPARE(briefPatch(Json::parse(R"([{"op":"replace","path":"/reasoning/format","value":"reversed"}])")), QStringLiteral("reasoning.format = reversed"));
    }
};

QTEST_MAIN(ThemeTest)
#include "tst_theme.moc"
