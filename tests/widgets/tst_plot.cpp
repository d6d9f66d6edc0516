// SPDX-License-Identifier: GPL-3.0-or-later
// The plot widgets: ranges, zoom and undo, export with settings inside, theme, odd data.
#include <QBuffer>
#include <QFile>
#include <QImage>
#include <QImageReader>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QWheelEvent>

#include <cmath>
#include <limits>
#include <set>

#include "widgets/plot/heat_map.h"
#include "widgets/plot/interval_bar.h"
#include "widgets/plot/legend_chips.h"
#include "widgets/plot/line_plot.h"
#include "widgets/plot/plot_theme.h"
#include "widgets/plot/small_bars.h"

using namespace ratchet;

namespace {

constexpr double gap = std::numeric_limits<double>::quiet_NaN();

PlotLine line(const char* key, std::vector<double> y, int slot = 0)
{
    PlotLine result;
    result.key = result.name = QString::fromLatin1(key);
    result.slot = slot;
    for (std::size_t i = 0; i < y.size(); ++i)
        result.curve.x.push_back(double(i));
    result.curve.y = std::move(y);
    return result;
}

Figure figure()
{
    return {QStringLiteral("Loss of two runs"), {{QStringLiteral("lab"), QStringLiteral("addition, 3 digits")},
                                                 {QStringLiteral("smoothing"), QStringLiteral("0.6")}}, 480, 270};
}

void turnWheel(QWidget* plot, const QPointF& at)
{
    QWheelEvent event(at, plot->mapToGlobal(at), {}, {0, 120}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(plot, &event);
}

} // namespace

class TestPlot : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void fitsWhatIsVisible()
    {
        LinePlot plot;
        plot.setLines({line("a", {1, 2, 3}), line("b", {100, 200, 300}, 1)});
        QVERIFY(plot.yRange().second > 300);
        plot.setVisible(QStringLiteral("b"), false);
        QVERIFY(plot.yRange().second < 4);
        QVERIFY(plot.yRange().first < 1);
    }
    void wheelZoomsAndUndoComesBack()
    {
        LinePlot plot;
        plot.resize(600, 400);
        plot.show();
        plot.setLines({line("a", {1, 2, 3, 4, 5})});
        plot.replotNow();
        const auto before = plot.xRange();
        QWidget* canvas = plot.findChild<QWidget*>();
        turnWheel(canvas, {300, 200});
        QVERIFY(plot.isZoomed());
        QVERIFY(plot.xRange().second - plot.xRange().first < before.second - before.first);
        plot.setLines({line("a", {1, 2, 3, 4, 5, 6, 7, 8, 900})});
        QVERIFY2(plot.yRange().second < 10, "new data must not move a zoomed view");
        plot.undoZoom();
        QVERIFY(!plot.isZoomed());
        QVERIFY(plot.yRange().second > 900);
    }
    void wheelOverAnAxisZoomsThatAxisOnly()
    {
        LinePlot plot;
        plot.resize(600, 400);
        plot.show();
        plot.setLines({line("a", {1, 2, 3, 4, 5})});
        plot.replotNow();
        const auto x = plot.xRange(), y = plot.yRange();
        turnWheel(plot.findChild<QWidget*>(), {30, 200});
        QCOMPARE(plot.xRange(), x);
        QVERIFY(plot.yRange().second - plot.yRange().first < y.second - y.first);
    }
    void logarithmicAxisLeavesOutWhatIsNotPositive()
    {
        LinePlot plot;
        plot.setAxes({QStringLiteral("step"), {}, AxisScale::Linear, false}, {QStringLiteral("loss"), {}, AxisScale::Logarithmic, false});
        plot.setLines({line("a", {0, -1, 0.01, 10})});
        QVERIFY(plot.yRange().first > 0);
        QVERIFY(plot.yRange().first < 0.011);
        plot.replotNow();
    }
    void oddDataIsDrawn_data()
    {
        QTest::addColumn<QList<double>>("values");
        QTest::addRow("nothing") << QList<double>{};
        QTest::addRow("one point") << QList<double>{3};
        QTest::addRow("only gaps") << QList<double>{gap, gap, gap};
        QTest::addRow("constant") << QList<double>{2, 2, 2};
        QTest::addRow("all zero") << QList<double>{0, 0};
        QTest::addRow("huge and tiny") << QList<double>{1e300, -1e300, 1e-300};
        QTest::addRow("infinite") << QList<double>{std::numeric_limits<double>::infinity(), 1};
    }
    void oddDataIsDrawn()
    {
        QFETCH(QList<double>, values);
        for (const auto scale : {AxisScale::Linear, AxisScale::Logarithmic}) {
            LinePlot plot;
            plot.resize(320, 200);
            plot.setAxes({}, {QStringLiteral("y"), {}, scale, false});
            plot.setLines({line("a", {values.begin(), values.end()})});
            plot.setMarks({{PlotMark::Kind::Level, gap, QStringLiteral("x"), State::Accepted}});
            plot.replotNow();
            QVERIFY(std::isfinite(plot.yRange().first) && plot.yRange().second > plot.yRange().first);
        }
    }
    void csvIsTheReviewedOne()
    {
        LinePlot plot;
        plot.setAxes({QStringLiteral("compute"), QStringLiteral("TFLOP"), {}, false}, {QStringLiteral("loss"), QStringLiteral("nats"), {}, false});
        auto first = line("#3, reversed", {1, gap, 0.1});
        first.raw = first.curve;
        first.raw.y[2] = 0.25;
        plot.setLines({first, line("champion", {2}, championSlot)});
        const QByteArray expected = "# Loss of two runs\n"
                                    "# lab: addition, 3 digits\n"
                                    "# smoothing: 0.6\n"
                                    "series,compute (TFLOP),loss (nats),raw,low,high\n"
                                    "\"#3, reversed\",0,1,1,,\n"
                                    "\"#3, reversed\",1,,,,\n"
                                    "\"#3, reversed\",2,0.1,0.25,,\n"
                                    "champion,0,2,,,\n";
        QCOMPARE(plot.csv(figure()), expected);
    }
    void exportsCarryTheirSettings_data()
    {
        QTest::addColumn<QString>("suffix");
        for (const char* suffix : {"png", "svg", "pdf", "csv"})
            QTest::addRow("%s", suffix) << QString::fromLatin1(suffix);
    }
    void exportsCarryTheirSettings()
    {
        QFETCH(QString, suffix);
        QTemporaryDir folder;
        LinePlot plot;
        plot.resize(480, 270);
        plot.setLines({line("a", {1, 2, 3}), line("b", {3, 2, 1}, 1)});
        const QString name = folder.filePath(QStringLiteral("figure.") + suffix);
        QCOMPARE(plot.save(name, figure()), QString());
        QFile file(name);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray bytes = file.readAll();
        if (suffix == QLatin1String("png")) {
            QImageReader reader(name);
            QVERIFY(reader.text(QStringLiteral("Settings")).contains(QStringLiteral("smoothing: 0.6")));
            QCOMPARE(reader.size(), QSize(960, 540));
        } else if (suffix == QLatin1String("pdf")) {
            QVERIFY(bytes.startsWith("%PDF") && bytes.contains("data.csv"));
        } else {
            QVERIFY(bytes.contains("smoothing: 0.6") && bytes.contains("Loss of two runs"));
        }
    }
    void exportSaysWhatIsWrong()
    {
        LinePlot plot;
        QVERIFY(plot.save(QStringLiteral("/nonexistent/figure.png"), figure()).contains(QStringLiteral("could not be written")));
        QVERIFY(plot.save(QStringLiteral("/tmp/figure.bmp"), figure()).contains(QStringLiteral(".png, .svg, .pdf or .csv")));
    }
    void differencesAreSymmetricAroundZero()
    {
        HeatMap map;
        map.setData({{QStringLiteral("head"), QStringLiteral("block 1")}, {QStringLiteral("0"), QStringLiteral("100")}, {1, -3, gap, 2}},
                    HeatMap::Colours::Difference, {QStringLiteral("rms"), {}, {}, false});
        QCOMPARE(map.colourRange(), std::pair(-3.0, 3.0));
        map.replotNow();
    }
    void oddHeatMapsAreDrawn()
    {
        HeatMap map;
        map.resize(300, 200);
        const AxisSpec log{QStringLiteral("gradient"), {}, AxisScale::Logarithmic, false};
        for (const auto& values : std::vector<std::vector<double>>{{}, {gap}, {0}, {5}, {-1}}) {
            HeatMapData data{{QStringLiteral("a")}, {QStringLiteral("0")}, values};
            map.setData(data, HeatMap::Colours::Magnitude, log);
            map.replotNow();
            map.setData(data, HeatMap::Colours::Difference, {});
            map.replotNow();
        }
        map.setData({}, HeatMap::Colours::Magnitude, {});
        map.replotNow();
    }
    void clickingACellNamesIt()
    {
        HeatMap map;
        map.resize(400, 300);
        map.show();
        map.setData({{QStringLiteral("top"), QStringLiteral("bottom")}, {QStringLiteral("0"), QStringLiteral("1")}, {1, 2, 3, 4}},
                    HeatMap::Colours::Magnitude, {});
        map.replotNow();
        QSignalSpy clicked(&map, &HeatMap::cellClicked);
        QTest::mouseClick(map.findChild<QWidget*>(), Qt::LeftButton, {}, {80, 40});
        QCOMPARE(clicked.size(), 1);
        QCOMPARE(clicked[0][0].toInt(), 0);
        QCOMPARE(clicked[0][1].toInt(), 0);
    }
    void chipsHideAndShow()
    {
        LegendChips chips;
        chips.resize(400, 60);
        chips.setChips({{QStringLiteral("a"), QStringLiteral("#1"), QStringLiteral("0.1"), {}, 0, true}});
        QSignalSpy toggled(&chips, &LegendChips::toggled);
        QTest::mouseClick(&chips, Qt::LeftButton, {}, {12, 10});
        QCOMPARE(toggled.size(), 1);
        QCOMPARE(toggled[0][1].toBool(), false);
    }
    void intervalsSayWhatTheyShow_data()
    {
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        QTest::addColumn<int>("state");
        QTest::addRow("above zero is better") << 0.01 << 0.02 << int(State::Accepted);
        QTest::addRow("below zero is worse") << -0.2 << -0.1 << int(State::Rejected);
        QTest::addRow("across zero is neither") << -0.1 << 0.1 << int(State::Inconclusive);
        QTest::addRow("no number is neither") << gap << gap << int(State::Inconclusive);
    }
    void intervalsSayWhatTheyShow()
    {
        QFETCH(double, low);
        QFETCH(double, high);
        QFETCH(int, state);
        const Interval interval{low, (low + high) / 2, high, 0.1, 0.02};
        QCOMPARE(int(stateOf(interval)), state);
        IntervalBar bar(interval);
        bar.grab();
    }
    void everySlotCanBeSeenInBothThemes()
    {
        for (const Tokens* now : {&lightTokens(), &darkTokens()})
            for (int slot = championSlot; slot < 20; ++slot)
                QVERIFY2(contrast(slotColor(*now, slot), now->surface) >= 3, qPrintable(QString::number(slot)));
    }
    void twentyRunsInARowDiffer()
    {
        std::set<std::pair<QRgb, QString>> seen;
        for (int slot = 0; slot < 20; ++slot) {
            const QPen pen = slotPen(lightTokens(), slot);
            QString dashes;
            for (const qreal dash : pen.dashPattern())
                dashes += QString::number(dash) + QLatin1Char(' ');
            seen.emplace(pen.color().rgb(), pen.style() == Qt::SolidLine ? QString() : dashes);
        }
        QCOMPARE(seen.size(), 20U);
    }
    void numbersRead_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("text");
        QTest::addRow("small") << 0.03124 << QStringLiteral("0.03124");
        QTest::addRow("about one") << 1.5 << QStringLiteral("1.500");
        QTest::addRow("negative, with a real minus") << -12.5 << QStringLiteral("\u221212.50");
        QTest::addRow("tiny") << 4.1e-5 << QStringLiteral("4.10e\u221205");
        QTest::addRow("zero") << 0.0 << QStringLiteral("0.000");
        QTest::addRow("not a number") << gap << QStringLiteral("\u2013");
    }
    void numbersRead()
    {
        QFETCH(double, value);
        QTEST(numberText(value), "text");
    }
};

QTEST_MAIN(TestPlot)
#include "tst_plot.moc"
