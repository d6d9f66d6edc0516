// SPDX-License-Identifier: GPL-3.0-or-later
// What of the gate's scores gets out: where every question is asked of the same corpus no more than who was accepted, where items are
// always new the measured gain.
#include <QTemporaryDir>
#include <QtTest>

#include "core/agent/archived.h"
#include "core/agent/context.h"
#include "core/agent/engine.h"
#include "core/agent/question.h"
#include "core/agent/requests.h"
#include "core/proposer/proposer.h"
#include "tests/core/store_examples.h"

using namespace ratchet;

namespace {

// A lab of which an accepted proposal scored 0.9 to the gate and 0.7 to the guide, a rejected one 0.1 to the gate.
struct Judged {
    Judged(const std::string& domain, const std::string& corpus)
    {
        NewLab wanted;
        wanted.root = std::filesystem::path(folder.path().toStdString()) / "lab";
        wanted.domain = domain;
        wanted.corpus = corpus;
        if (const Status made = newLab(wanted); !made)
            qFatal("no lab: %s", made.error().text.c_str());
        context = Context::open(LabPaths{wanted.root}).value();
        const Status written = context->store->transaction(Store::Durable::No, [&] { return write(); });
        if (!written)
            qFatal("nothing written: %s", written.error().text.c_str());
    }
    Status write()
    {
        RATCHET_TRY(genome, context->objects.put(context->domain->seedGenome().toJson().dump()));
        VersionRecord seed = exampleVersion("seed");
        seed.genome = genome;
        champion = seed.hash;
        RATCHET_CHECK(context->store->add(seed));
        RATCHET_TRY(good, judge("accepted", Verdict::Accept, 0.9, genome));
        accepted = good;
        ScorecardRecord guide = card(accepted, "accepted", 0.7);
        guide.split = "guide";
        RATCHET_CHECK(context->store->add(guide));
        RATCHET_TRY(bad, judge("rejected", Verdict::Reject, 0.1, genome));
        rejected = bad;
        return {};
    }
    Result<ProposalRecord> judge(const std::string& name, Verdict verdict, double score, const Hash& genome)
    {
        ProposalRecord proposal = exampleProposal(champion);
        proposal.genome = genome;
        proposal.state = verdict == Verdict::Accept ? ProposalState::Accepted : ProposalState::Rejected;
        RATCHET_TRY(id, context->store->add(proposal));
        proposal.id = id;
        TrialRecord trial;
        trial.proposal = id;
        trial.version = hashOf(name);
        RATCHET_TRY(trialId, context->store->add(trial));
        VersionRecord version = exampleVersion(name, champion);
        version.genome = genome;
        version.trial = trialId;
        version.created = Time{} + std::chrono::hours(24) - id.value * std::chrono::hours(1);      // who began first ended last
        RATCHET_CHECK(context->store->add(version));
        VerdictRecord record;
        record.proposal = id;
        record.challenger = version.hash;
        record.champion = champion;
        record.verdict = verdict;
        RATCHET_CHECK(context->store->add(record));
        RATCHET_CHECK(context->store->add(card(proposal, name, score)));
        return proposal;
    }
    [[nodiscard]] ScorecardRecord card(const ProposalRecord& proposal, const std::string& name, double score) const
    {
        ScorecardRecord card;
        card.proposal = proposal.id;
        card.challenger = hashOf(name);
        card.champion = champion;
        card.suite = context->target().name;
        card.split = "gate";
        card.items = 100;
        card.championMean = 0.5;
        card.challengerMean = score;
        card.difference = score - 0.5;
        card.differenceDeviation = 0.02;
        return card;
    }
    [[nodiscard]] std::vector<Hash> archive() const
    {
        std::vector<Hash> list;
        const std::vector<Archived> all = archived(*context, champion).value();
        for (const Archived& one : all)
            list.push_back(one.version);
        return list;
    }
    [[nodiscard]] double scoreOf(const char* name) const
    {
        const std::vector<Archived> archive = archived(*context, champion).value();
        for (const Archived& one : archive)
            if (one.version == hashOf(name))
                return one.score;
        return -1;
    }

    // What the proposer is told that they gained, by id.
    [[nodiscard]] std::vector<std::optional<double>> gains() const
    {
        std::vector<std::optional<double>> list;
        const std::vector<Attempt> tried = attempts(*context).value();
        for (const Attempt& one : tried)
            list.push_back(one.gain);
        return list;
    }

    QTemporaryDir folder;
    std::unique_ptr<Context> context;
    Hash champion;
    ProposalRecord accepted, rejected;
};

} // namespace

class TestFiniteData : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void ofACorpusOnlyVerdictsGetOut()
    {
        const Judged lab("text", RATCHET_SOURCE_DIR "/core");
        const LessonEvidence good = lessonEvidence(*lab.context, lab.accepted).value(), bad = lessonEvidence(*lab.context, lab.rejected).value();
        QVERIFY(good.accepted && !good.failed && !bad.accepted && !bad.failed);
        QVERIFY(std::abs(good.gain - 0.2) < 1e-12);
        QCOMPARE(good.standardError, 0.02 / 10);                      // of bits per byte as the differences lay apart
        QCOMPARE(bad.gain, 0.0);
        QCOMPARE(lab.scoreOf("accepted"), 0.7);
        QCOMPARE(lab.scoreOf("rejected"), 0.0);
        QVERIFY(lab.gains() == (std::vector<std::optional<double>>{0.7 - 0.5, std::nullopt}));
    }
    void ofNewItemsTheGainDoes()
    {
        const Judged lab("arithmetic", "");
        const LessonEvidence good = lessonEvidence(*lab.context, lab.accepted).value(), bad = lessonEvidence(*lab.context, lab.rejected).value();
        QVERIFY(good.accepted && !bad.accepted && !bad.failed);
        QVERIFY(std::abs(good.gain - 0.4) < 1e-12 && std::abs(bad.gain + 0.4) < 1e-12);
        QCOMPARE(lab.scoreOf("accepted"), 0.9);
        QVERIFY(lab.archive() == (std::vector<Hash>{lab.champion, hashOf("accepted"), hashOf("rejected")}));      // whoever ended first
        QVERIFY(lab.gains() == (std::vector<std::optional<double>>{0.9 - 0.5, 0.1 - 0.5}));
    }
};

QTEST_GUILESS_MAIN(TestFiniteData)
#include "tst_finite_data.moc"
