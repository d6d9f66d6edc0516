// SPDX-License-Identifier: GPL-3.0-or-later
// What the engine does by a signal that misleads, in whole turns of a tiny lab.
#include "tests/app/tiny_lab.h"

#include "core/agent/signals.h"

using namespace ratchet;

namespace {

enum class Lessons { RightlyOrdered, WronglyOrdered };

// Twenty judged proposals whose predicted gains the gate's items bore out, or turned round.
void giveHistory(Store& store, Lessons were)
{
    const Hash live = taken(store.live())->version;
    for (int i = 0; i < 20; ++i) {
        ProposalRecord proposal;
        proposal.family = "tuning";
        proposal.operatorName = "history";
        proposal.parent = live;
        proposal.genome = taken(store.version(live))->genome;
        proposal.patch = Json::array();
        proposal.state = ProposalState::Rejected;
        proposal.predictedGain = 0.01 * i;
        proposal.id = store.add(proposal).value();
        VerdictRecord verdict;
        verdict.proposal = proposal.id;
        verdict.challenger = verdict.champion = live;
        verdict.verdict = Verdict::Reject;
        QVERIFY(store.add(verdict));
        ScorecardRecord card;
        card.proposal = proposal.id;
        card.challenger = card.champion = live;
        card.suite = "addition-3";
        card.split = "gate";
        card.items = 100;
        card.difference = were == Lessons::RightlyOrdered ? 0.01 * i : -0.01 * i;
        card.classes = card.samples = Json::array();
        QVERIFY(store.add(card));
    }
}

// What a second tooth draws when all that was tried in the first is believed to gain this much.
std::vector<std::string> drawnAfter(Lessons were, double believed)
{
    const TinyLab lab(3);
    if (!lab.run(1))
        return {};
    {
        const auto store = Store::open(lab.paths().database(), Store::Mode::ReadWrite).value();
        giveHistory(*store, were);
        for (LessonRecord lesson : taken(store->lessons())) {
            lesson.tried = 40;
            lesson.meanGain = believed;
            lesson.varianceGain = 1e-6;
            if (!store->put(lesson))
                return {};
        }
        if (lessonsMislead(*store).value() != (were == Lessons::WronglyOrdered))
            return {};
    }
    if (!lab.run(1))
        return {};
    std::vector<std::string> drawn;
    for (const ProposalRecord& proposal : taken(lab.read()->proposals()))
        if (proposal.tooth == 2)
            drawn.push_back(fmt::format("{} {} {:.9f}", proposal.operatorName, proposal.patch.dump(), proposal.predictedGain));
    return drawn;
}

} // namespace

class TestSignals : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void lessonsThatMisleadAreNotAsked()
    {
        const auto hopeful = drawnAfter(Lessons::RightlyOrdered, 0.4), hopeless = drawnAfter(Lessons::RightlyOrdered, -0.4);
        QVERIFY(hopeful.size() >= 3);
        QVERIFY(hopeful != hopeless);                 // as long as they order candidates rightly, they are
        const auto misled = drawnAfter(Lessons::WronglyOrdered, 0.4);
        QVERIFY(misled.size() >= 3);
        QCOMPARE(misled, drawnAfter(Lessons::WronglyOrdered, -0.4));
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestSignals test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_signals.moc"
