// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <cmath>

#include "core/agent/report.h"
#include "core/agent/summary.h"
#include "core/agent/svg.h"
#include "core/agent/text_table.h"
#include "core/base/hash.h"
#include "core/genome/genome.h"

using namespace ratchet;

namespace {

QString text(const std::string& s)
{
    return QString::fromStdString(s);
}

template <typename T> bool isGood(const Result<T>& result)
{
    if (!result)
        qWarning("%s", result.error().text.c_str());
    return result.has_value();
}

// A lab of two proposals: one promoted, one refused.
class SmallLab {
public:
    SmallLab()
        : store(std::move(*Store::create(folder.filePath("ratchet.db").toStdString()))),
          objects(folder.filePath("objects").toStdString())
    {
    }

    Hash addVersion(const std::string& origin, double rate)
    {
        Genome genome;
        genome.recipe.learningRate = rate;
        VersionRecord version;
        version.genome = *objects.put(genome.toJson().dump());
        version.weights = *objects.put("weights of " + origin);
        version.tokenizer = *objects.put("tokenizer");
        version.hash = hashOf("version " + origin);
        version.origin = origin;
        version.created = now();
        return isGood(store->add(version)) ? version.hash : Hash{};
    }

    bool propose(const std::string& name, ProposalState state, const Hash& champion, const Hash& challenger,
                 double gain)
    {
        ProposalRecord proposal;
        proposal.tooth = 1;
        proposal.family = "reasoning";
        proposal.operatorName = name;
        proposal.parent = champion;
        proposal.genome = hashOf(name);
        proposal.patch = Json::array();
        proposal.author = "improver:1";
        proposal.state = state;
        proposal.stateReason = state == ProposalState::Rejected ? "It is worse." : "";
        const auto id = store->add(proposal);
        if (!isGood(id))
            return false;
        ScorecardRecord card;
        card.proposal = *id;
        card.challenger = challenger;
        card.champion = champion;
        card.suite = "addition-3";
        card.split = "gate";
        card.items = 100;
        card.championMean = 0.2;
        card.challengerMean = 0.2 + gain;
        card.difference = gain;
        card.low = gain - 0.1;
        card.high = gain + 0.1;
        card.path = {0.5, 1.5};
        card.classes = card.samples = Json::object();
        return isGood(store->add(card));
    }

    bool deploy(const Hash& version, DeploymentKind kind)
    {
        DeploymentRecord deployment;
        deployment.version = version;
        deployment.kind = kind;
        deployment.actor = "policy:1";
        deployment.reason = "tested <here>";
        deployment.created = now();
        return isGood(store->add(deployment));
    }

    bool measureVault(const Hash& champion, const Hash& challenger, Id<ProposalRecord> proposal, double before,
                      double after)
    {
        ScorecardRecord card;
        card.proposal = proposal;
        card.champion = champion;
        card.challenger = challenger;
        card.suite = "addition-3";
        card.split = "vault";
        card.items = 300;
        card.championMean = before;
        card.challengerMean = after;
        card.difference = after - before;
        card.low = card.difference - 0.05;
        card.high = card.difference + 0.05;
        card.classes = card.samples = Json::object();
        card.created = now();
        return isGood(store->add(card));
    }

    QTemporaryDir folder;
    std::unique_ptr<Store> store;
    ObjectStore objects;
};

} // namespace

class TestSummary : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void wilsonMatchesPublishedNumbers_data()
    {
        QTest::addColumn<double>("share");
        QTest::addColumn<int>("items");
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        // Newcombe 1998, table I, method 3.
        QTest::addRow("81 of 263") << 81.0 / 263 << 263 << 0.2553 << 0.3662;
        QTest::addRow("15 of 148") << 15.0 / 148 << 148 << 0.0624 << 0.1605;
        QTest::addRow("0 of 20") << 0.0 << 20 << 0.0 << 0.1611;
        QTest::addRow("1 of 29") << 1.0 / 29 << 29 << 0.0061 << 0.1718;
    }

    void wilsonMatchesPublishedNumbers()
    {
        QFETCH(double, share);
        QFETCH(int, items);
        QFETCH(double, low);
        QFETCH(double, high);
        const Interval interval = wilson(share, items);
        QVERIFY2(std::abs(interval.low - low) < 1e-4, qPrintable(QString::number(interval.low)));
        QVERIFY2(std::abs(interval.high - high) < 1e-4, qPrintable(QString::number(interval.high)));
    }

    void aLabWithoutAnythingHasASummary()
    {
        SmallLab lab;
        const auto summary = summarise(*lab.store, {});
        QVERIFY(isGood(summary));
        QVERIFY(text(toText(*summary)).contains("Nothing yet"));
        QVERIFY(isGood(htmlReport(*lab.store, lab.objects, {})));
    }

    void whatHelpedAndWhatWasRefusedAreTold()
    {
        SmallLab lab;
        const Hash seed = lab.addVersion("seed", 1e-3), better = lab.addVersion("proposal 1", 3e-3);
        QVERIFY(lab.deploy(seed, DeploymentKind::Seed));
        QVERIFY(lab.propose("answer format reversed", ProposalState::Promoted, seed, better, 0.7));
        QVERIFY(lab.propose("plain again", ProposalState::Rejected, seed, better, -0.1));
        QVERIFY(lab.deploy(better, DeploymentKind::Promote));
        QVERIFY(lab.measureVault(seed, better, {}, 0.21, 0.93));
        const auto summary = summarise(*lab.store, {});
        QVERIFY(isGood(summary));
        const QString told = text(toText(*summary));
        QVERIFY2(told.contains("answer format reversed (reasoning): 20.0 % -> 90.0 %, gain +70.0 [+60.0, +80.0]"),
                 qPrintable(told));
        QVERIFY2(told.contains("plain again (reasoning): rejected: It is worse."), qPrintable(told));
        QVERIFY2(told.contains("21.0 % [16.8 %, 26.0 %] -> 93.0 %"), qPrintable(told));
        QVERIFY2(told.contains("gain +72.0 [+67.0, +77.0], 300 items answered by both"), qPrintable(told));
    }

    void whatWasDrawnBeforeAProposalWasTriedAgainIsTold()
    {
        SmallLab lab;
        const Hash seed = lab.addVersion("seed", 1e-3), better = lab.addVersion("proposal 1", 3e-3);
        QVERIFY(lab.propose("answer format reversed", ProposalState::Failed, seed, better, 0.7));
        for (const auto& [k, pairs, looks] : {std::tuple(0, 400, 2), std::tuple(3, 0, 0)})
            QVERIFY(lab.store->add(VerdictRecord{{1}, better, seed, Verdict::NoResult, k, 0.01, 2, 90, pairs, 12, "The judge <died>.", Json(), {}, looks}));
        const auto summary = summarise(*lab.store, {});
        QVERIFY(isGood(summary));
        QCOMPARE(summary->tried[0].verdict->k, 3);
        QVERIFY(!summary->tried[0].measured);
        const QString told = text(toText(*summary));
        QVERIFY2(told.contains("1 answer format reversed (reasoning): question 0: no-result after 400 pairs, 12 discordant, 2 looks: The judge <died>."), qPrintable(told));
        QCOMPARE(toJson(*summary)["tried"][0]["earlier"][0]["pairs"], 400);
        QCOMPARE(toJson(*summary)["tried"][0]["verdict"]["pairs"], 0);
        QVERIFY(text(*htmlReport(*lab.store, lab.objects, {})).contains("judged before: question 0: no-result after 400 pairs, 12 discordant, 2 looks: The judge &lt;died"));
    }

    void theVaultOfADecisionIsNotTheExam()
    {
        SmallLab lab;
        const Hash seed = lab.addVersion("seed", 1e-3), better = lab.addVersion("proposal 1", 3e-3);
        QVERIFY(lab.deploy(seed, DeploymentKind::Seed) && lab.deploy(better, DeploymentKind::Promote));
        QVERIFY(lab.propose("a", ProposalState::Promoted, seed, better, 0.7));
        QVERIFY(lab.measureVault(seed, better, {1}, 0.2, 0.9));
        const auto summary = summarise(*lab.store, {});
        QVERIFY(isGood(summary));
        QVERIFY(summary->vault.empty());
    }

    void theReportEscapesWhatPeopleWrote()
    {
        SmallLab lab;
        const Hash seed = lab.addVersion("seed", 1e-3), better = lab.addVersion("proposal 1", 3e-3);
        QVERIFY(lab.deploy(seed, DeploymentKind::Seed) && lab.deploy(better, DeploymentKind::Promote));
        QVERIFY(lab.propose("<b>bold</b>", ProposalState::Promoted, seed, better, 0.7));
        const auto html = htmlReport(*lab.store, lab.objects, {});
        QVERIFY(isGood(html));
        QVERIFY(text(*html).contains("&lt;b&gt;bold") && !text(*html).contains("<b>bold"));
        QVERIFY(text(*html).contains("tested &lt;here&gt;"));
        QVERIFY2(text(*html).contains("/recipe/learningRate"), "the genome's difference is missing");
        QVERIFY(text(*html).count("<svg") >= 2);
    }

    void ticksAreRound_data()
    {
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        QTest::addColumn<QList<double>>("ticks");
        QTest::addRow("a share") << 0.0 << 1.0 << QList<double>{0, 0.2, 0.4, 0.6, 0.8, 1};
        QTest::addRow("across zero") << -3.0 << 6.0 << QList<double>{-2, 0, 2, 4, 6};
        QTest::addRow("large numbers") << 0.0 << 43'000.0 << QList<double>{0, 10'000, 20'000, 30'000, 40'000};
        QTest::addRow("nothing to span") << 2.0 << 2.0 << QList<double>{2};
    }

    void ticksAreRound()
    {
        QFETCH(double, low);
        QFETCH(double, high);
        QFETCH(QList<double>, ticks);
        const std::vector<double> got = roundTicks(low, high, 5);
        QCOMPARE(static_cast<qsizetype>(got.size()), ticks.size());
        for (qsizetype i = 0; i < ticks.size(); ++i)
            QVERIFY(std::abs(got[static_cast<std::size_t>(i)] - ticks[i]) < 1e-9 * std::max(1.0, std::abs(ticks[i])));
    }

    void aChartLeavesAGapWhereAValueIsNotFinite()
    {
        const Chart chart{"t", "x", "y", {{"a", {{0, 0}, {1, 1}, {2, NAN}, {3, 1}, {4, 0}}, false}}, {}, {}, false};
        const QString svg = text(toSvg(chart));
        QCOMPARE(svg.section("d=\"", 1, 1).section('"', 0, 0).count('M'), 2);
        QVERIFY(!svg.contains("nan"));
    }

    void columnsAlignByCharacters()
    {
        const QString table = text(textTable({{"name"}, {"n", Column::Align::Right}}, {{"± one", "1"}, {"two", "22"}}));
        QCOMPARE(table, QString::fromUtf8("name    n\n± one   1\ntwo    22\n"));
    }
};

QTEST_GUILESS_MAIN(TestSummary)
#include "tst_summary.moc"
