// SPDX-License-Identifier: GPL-3.0-or-later
// What equal recipes show, and what a gate can see beyond it: of answers that are right or wrong, and of bits per byte.
#include <QTemporaryDir>
#include <QtTest>

#include <cmath>

#include "core/agent/question.h"
#include "core/agent/summary.h"
#include "tests/core/store_examples.h"

using namespace ratchet;

namespace {

constexpr int items = 400;

// A champion and two runs of its recipe with other seeds, measured beside it.
struct Repeated {
    explicit Repeated(std::optional<double> deviation)
    {
        const LabPaths paths{std::filesystem::path(folder.path().toStdString())};
        store = std::move(Store::create(paths.database()).value());
        const VersionRecord version = exampleVersion("seed");
        champion = version.hash;
        const Status written = store->transaction(Store::Durable::No, [&]() -> Status {
            RATCHET_CHECK(store->add(version));
            for (int run = 0; run < 2; ++run) {
                ProposalRecord proposal = exampleProposal(champion);
                proposal.family = replicationFamily;
                proposal.genome = version.genome;
                RATCHET_TRY(id, store->add(proposal));
                ScorecardRecord card;
                card.proposal = id;
                card.challenger = hashOf("run");
                card.champion = champion;
                card.suite = "target";
                card.split = "gate";
                card.items = items;
                card.wins = card.losses = 40;
                card.championMean = card.challengerMean = 0.7;
                card.challengerDeviation = deviation ? std::optional(0.05) : std::nullopt;
                card.differenceDeviation = deviation;
                RATCHET_CHECK(store->add(card));
            }
            return {};
        });
        if (!written)
            qFatal("nothing written: %s", written.error().text.c_str());
    }
    [[nodiscard]] Replication result() const { return replicationResult(*store, champion, true).value(); }
    [[nodiscard]] std::vector<Sight> sights(const LabConfig& config) const
    {
        return sightOf(*store, ObjectStore(folder.path().toStdString()), config, result()).value();
    }

    // Question k was asked of a proposal of that family.
    void judged(const char* family, int k, Verdict verdict) const
    {
        ProposalRecord proposal = exampleProposal(champion);
        proposal.family = family;
        const auto id = store->add(proposal).value();
        QVERIFY(store->add(VerdictRecord{id, hashOf(fmt::format("{} {}", family, k)), champion, verdict, k, 0.004, 1, 200, 400, 90, "", Json(), {}, 2}));
    }

    QTemporaryDir folder;
    std::unique_ptr<Store> store;
    Hash champion;
};

LabConfig aimedAt(const char* goal)
{
    LabConfig config;
    config.goal = goal;
    return config;
}

} // namespace

class TestReplication : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void bitsPerByteAreSeenByTheSpreadOfTheirDifferences()
    {
        const Repeated lab(0.02);
        const SuiteSpread target = lab.result().suites.front();
        QVERIFY(std::abs(target.itemSigma - 0.05 / std::sqrt(items)) < 1e-12);      // not that of answers right or wrong, 0.023
        QVERIFY(std::abs(target.differenceDeviation.value() - 0.02) < 1e-12);
        const LabConfig config = aimedAt("bits per byte <= 2.1 on text");
        const std::vector<Sight> sights = lab.sights(config);
        QCOMPARE(sights.size(), std::size_t(1));
        const Detectable expected = smallestDetectable(0.02, comparisonOptions(config, 1, 0));
        QCOMPARE(sights[0].smallest.gain, expected.gain);
        QVERIFY(expected.gain > 0 && expected.gain < 0.02);
        Summary summary;
        summary.config = config;
        summary.bitsPerByte = config.isBitsPerByte();
        const std::string text = sightText(summary, sights[0]);
        QVERIFY2(text.find(" bits per byte, for about") != std::string::npos && text.find('%') == std::string::npos, text.c_str());
    }

    void withoutTheirSpreadNothingIsClaimed()
    {
        QVERIFY(Repeated(std::nullopt).sights(aimedAt("bits per byte <= 2.1 on text")).empty());
    }

    void nothingIsToldWhenTheSearchWasStopped()
    {
        const Repeated lab(0.02);
        std::stop_source stop;
        stop.request_stop();
        const auto sights = sightOf(*lab.store, ObjectStore(lab.folder.path().toStdString()), aimedAt("bits per byte <= 2.1 on text"), lab.result(), stop.get_token());
        QVERIFY(!sights);
        QVERIFY(sights.error().code == Code::Cancelled);
    }

    void answersAreSeenByHowOftenTheyDiffer()
    {
        LabConfig config = aimedAt("exact match >= 0.99 on target");
        const Repeated lab(std::nullopt);
        QVERIFY(std::abs(lab.result().suites.front().itemSigma - std::sqrt(0.7 * 0.3 / items)) < 1e-12);
        const Sight sight = lab.sights(config).at(0);
        QCOMPARE(sight.smallest.gain, smallestDetectable(0.2, config.gateItems, sight.alpha, config.minEffect).gain);
        QVERIFY(sight.smallest.winShare > 0.5);
        config.gateItems = 200;
        QVERIFY(lab.sights(config).at(0).smallest.gain > sight.smallest.gain);
    }

    // A lab with a corpus gives less alpha to a question the more ways there are to have come there.
    void theNextQuestionIsTheOneThatWillBeAsked()
    {
        LabConfig config = aimedAt("exact match >= 0.99 on target");
        config.corpusSource = "/a/text";
        const Repeated lab(std::nullopt);
        lab.judged("reasoning", 1, Verdict::Accept);
        lab.judged("reasoning", 2, Verdict::Accept);
        lab.judged("reasoning", 3, Verdict::Reject);
        lab.judged(placeboFamily, 4, Verdict::Accept);        // judged as the next question would be: uses up none, discovers nothing
        const std::vector<Sight> sights = lab.sights(config);
        QCOMPARE(sights.size(), std::size_t(2));
        QCOMPARE(sights[0].k, 1);
        QCOMPARE(sights[0].alpha, alphaOf(config, 1, 0));
        QCOMPARE(sights[1].k, 4);
        QCOMPARE(sights[1].alpha, alphaOf(config, 4, 2));
        QVERIFY(sights[1].alpha < alphaOf(config, 4, 0) / 5);
    }
};

QTEST_GUILESS_MAIN(TestReplication)
#include "tst_replication.moc"
