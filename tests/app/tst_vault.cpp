// SPDX-License-Identifier: GPL-3.0-or-later
// The vault in whole turns of a tiny lab: counted, limited where data are finite, asked once, heeded on every suite.
#include <QtTest>

#include "core/agent/summary.h"
#include "core/agent/vault.h"
#include "core/base/file.h"
#include "tests/app/tiny_lab.h"

using namespace ratchet;

namespace {

// A version that the gate accepted and that waits for a person.
Hash waitingVersion(const TinyLab& lab)
{
    if (!lab.run(1, "honest", std::nullopt) || !lab.proposeReversed() || !lab.run(1, "honest", std::nullopt))
        return {};
    const auto store = lab.read();
    for (const ProposalRecord& proposal : taken(store->proposals()))
        if (proposal.state == ProposalState::Waiting)
            return store->trialOf(proposal.id).value()->version.value_or(Hash{});
    return {};
}

VaultUse useOf(const TinyLab& lab)
{
    return vaultUse(*lab.read(), readLabConfig(lab.paths()).value()).value();
}

ProposalState stateOf(const TinyLab& lab, const Hash& version)
{
    const auto store = lab.read();
    return store->proposal(store->trial(*store->version(version).value()->trial).value()->proposal).value()->state;
}

// As if the lab's items came from a corpus, and its vault might be opened so often.
void makeFinite(const TinyLab& lab, int looks)
{
    for (const char* file : {"corpus.json", "train.txt", "guide.txt", "gate.txt", "vault.txt"})
        QVERIFY(makeFolder(lab.paths().corpus(), 0700) && writeFile(lab.paths().corpus() / file, "{}"));
    LabConfig config = readLabConfig(lab.paths()).value();
    config.corpusSource = "questions.jsonl";
    config.vaultLooks = looks;
    QVERIFY(writeFile(lab.paths().config(), config.toJson().dump()));
}

Status approve(const TinyLab& lab, const Hash& version)
{
    return lab.ask("approve", {{"version", version.hex}, {"reason", "It carries now."}}, "person:ben");
}

} // namespace

class TestVault : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void newItemsEveryTimeAreCountedAndNotLimited()
    {
        const TinyLab lab;
        const Hash version = waitingVersion(lab);
        QVERIFY(version.isSet());
        QCOMPARE(useOf(lab).looks, 0);
        QVERIFY(approve(lab, version));
        QCOMPARE(useOf(lab).looks, 1);
        QVERIFY(!useOf(lab).left() && !useOf(lab).isSpent());
        QVERIFY(lab.run(1));                                           // ends with a look at the seed model beside the live one
        QVERIFY(useOf(lab).looks >= 2);
        QVERIFY(toText(summarise(*lab.read(), readLabConfig(lab.paths()).value()).value()).find("The vault was opened") != std::string::npos);
    }

    void aSpentVaultIsNeverAPass()
    {
        const TinyLab lab;
        makeFinite(lab, 0);
        const Hash version = waitingVersion(lab);
        QVERIFY(version.isSet());
        const Account before = lab.account();
        const Status refused = approve(lab, version);
        QVERIFY(!refused && refused.error().code == Code::Refused);
        QVERIFY2(refused.error().text.find("The vault is spent") == 0, refused.error().text.c_str());
        QVERIFY(lab.account() == before);
        QVERIFY(lab.read()->decisions().value().empty());
        QCOMPARE(stateOf(lab, version), ProposalState::Waiting);

        makeFinite(lab, 1);
        QVERIFY(!useOf(lab).isSpent());
        QVERIFY(approve(lab, version));
        QCOMPARE(useOf(lab).left(), std::optional(0));
        const Hash first = taken(lab.read()->deployments()).front().version;
        QVERIFY(lab.run(1, "honest", std::nullopt));                   // no look is left for the end of a run, and it ends well
        QCOMPARE(useOf(lab).looks, 1);
        QCOMPARE(toText(useOf(lab)), "opened 1 of 1 times");

        // What was asked before is known, and costs no look.
        QVERIFY(lab.ask("rollback", {{"version", first.hex}, {"reason", "To see."}}, "person:ben"));
        QVERIFY(approve(lab, version));
        QCOMPARE(lab.read()->live().value()->version.hex, version.hex);
        QCOMPARE(useOf(lab).looks, 1);
        QVERIFY(lab.isWhole());
    }

    void aPolicyLeavesToAPersonWhatASpentVaultCannotShow()
    {
        const TinyLab lab;
        makeFinite(lab, 0);
        const Hash version = waitingVersion(lab);
        QVERIFY(version.isSet());
        for (int run = 0; run < 2; ++run) {                            // a second one trains nothing that could not be promoted either
            const auto end = lab.run(3);
            QVERIFY2(end && *end == RunEnd::WaitingForPerson, end ? "" : end.error().text.c_str());
            QCOMPARE(stateOf(lab, version), ProposalState::Waiting);
        }
        QVERIFY(lab.read()->decisions().value().empty());
        const auto tooth = lab.read()->teeth().value().back();
        QVERIFY(tooth.ended == Time{});
        makeFinite(lab, 20);
        QVERIFY(lab.run(1));
        QCOMPARE(stateOf(lab, version), ProposalState::Promoted);
        QVERIFY(lab.isWhole());
    }

    void aLossOnARetainedSuiteContradicts()
    {
        const TinyLab lab;
        const Hash version = waitingVersion(lab);
        QVERIFY(version.isSet());
        const auto before = lab.read()->deployments().value().size();
        {
            auto engine = lab.open("vault shows a loss", std::nullopt).value();
            engine->post({"approve", "person:ben", {{"version", version.hex}, {"reason", "It carries now."}}, now()});
            QVERIFY(engine->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = true}, {}));
        }
        QCOMPARE(lab.read()->deployments().value().size(), before);
        QCOMPARE(stateOf(lab, version), ProposalState::Declined);
        QCOMPARE(useOf(lab).looks, 1);
        const Status again = approve(lab, version);                    // an honest judge would let it pass: it is not asked
        QVERIFY(!again);
        QVERIFY2(again.error().text.find("The vault contradicts") == 0 && again.error().text.find("more than it may lose") != std::string::npos,
                 again.error().text.c_str());
        QCOMPARE(lab.read()->deployments().value().size(), before);
        QCOMPARE(useOf(lab).looks, 1);
        QVERIFY(lab.isWhole());
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestVault test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_vault.moc"
