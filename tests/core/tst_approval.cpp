// SPDX-License-Identifier: GPL-3.0-or-later
#include <functional>

#include <QtTest>

#include "core/guard/approval.h"
#include "tests/core/store_examples.h"

using namespace ratchet;

namespace {

using Alter = std::function<void(Evidence&)>;

Evidence example()
{
    Evidence evidence;
    evidence.champion = hashOf("champion");
    evidence.challenger = exampleVersion("challenger", evidence.champion);
    evidence.proposalAuthor = "person:bob";
    evidence.spent = Flops{1e12};
    evidence.budget = Flops{1e13};
    VerdictRecord verdict;
    verdict.challenger = evidence.challenger.hash;
    verdict.champion = evidence.champion;
    verdict.verdict = Verdict::Accept;
    verdict.eValue = 500;
    verdict.threshold = 33;
    verdict.pairs = 90;
    verdict.integrity = Json::array({Json{{"name", "finite"}, {"ok", true}, {"detail", ""}}});
    evidence.verdict = verdict;
    ScorecardRecord target;
    target.challenger = evidence.challenger.hash;
    target.champion = evidence.champion;
    target.suite = "addition-3";
    target.split = "gate";
    target.items = 90;
    target.difference = 0.3;
    target.low = 0.2;
    target.high = 0.4;
    ScorecardRecord kept = target;
    kept.suite = "addition-2";
    kept.retained = true;
    kept.low = -0.01;
    evidence.scorecards = {target, kept};
    return evidence;
}

Policy policy(double minDifference = 0.1, int maxDeployments = 3)
{
    return Policy::fromJson({{"approve", "accepted"}, {"minDifference", minDifference}, {"maxDeployments", maxDeployments},
                             {"reason", "Nightly run, reviewed on Mondays."}}).value();
}

DecisionRecord approval(const Evidence& evidence, const std::optional<Policy>& inForce = {}, const std::string& actor = "person:ana")
{
    return {{}, evidence.challenger.hash, DecisionKind::Approve, actor, "Better and nothing lost.", bindingOf(evidence, inForce), {}};
}

} // namespace
Q_DECLARE_METATYPE(Alter)

class TestApproval : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everythingMetMayBeDeployed();
    void eachRequirementCanRefuse_data();
    void eachRequirementCanRefuse();
    void whoCountsAsReviewer_data();
    void whoCountsAsReviewer();
    void anyChangeMakesADecisionStale_data();
    void anyChangeMakesADecisionStale();
    void orderAndTimeOfRecordsDoNotMatter();
    void rejectionsAndEmptyReasonsDoNotApprove();
    void policyApprovesWithinItsLimits();
    void policyMustBeTheOneInForce();
    void policiesAreReadStrictly_data();
    void policiesAreReadStrictly();
};

void TestApproval::everythingMetMayBeDeployed()
{
    Evidence evidence = example();
    QVERIFY(mayDeploy(evidence, {}, approval(evidence)));
    const auto list = requirements(evidence, {}, approval(evidence));
    QCOMPARE(list.size(), 5U);
    for (const Requirement& one : list)
        QVERIFY2(one.state == RequirementState::Satisfied, one.detail.c_str());
    evidence.scorecards.pop_back();
    QCOMPARE(toText(requirements(evidence, {}, {}).at(1).state), "not-applicable");
    QVERIFY(mayDeploy(evidence, {}, approval(evidence)));
    QCOMPARE(toText(requirements(evidence, {}, {}).at(4).state), "unsatisfied");
}

void TestApproval::eachRequirementCanRefuse_data()
{
    QTest::addColumn<Alter>("change");
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("state");
    const auto row = [](const char* text, const char* name, const char* state, Alter change) {
        QTest::addRow("%s", text) << change << name << state;
    };
    row("no verdict", "gate", "unsatisfied", [](Evidence& e) { e.verdict.reset(); });
    row("the gate rejected", "gate", "unsatisfied", [](Evidence& e) { e.verdict->verdict = Verdict::Reject; });
    row("the gate could not tell", "gate", "unsatisfied", [](Evidence& e) { e.verdict->verdict = Verdict::Inconclusive; });
    row("the judge gave no result", "gate", "unsatisfied", [](Evidence& e) { e.verdict->verdict = Verdict::NoResult; });
    row("the verdict is about another version", "gate", "unsatisfied", [](Evidence& e) { e.verdict->challenger = hashOf("x"); });
    row("the champion moved on", "gate", "unsatisfied", [](Evidence& e) { e.champion = hashOf("x"); });
    row("a retained suite is worse", "retained", "unsatisfied", [](Evidence& e) { e.scorecards[1].high = -0.01; e.scorecards[1].low = -0.2; });
    row("a retained suite without items", "retained", "error", [](Evidence& e) { e.scorecards[1].items = 0; });
    row("a retained suite that is not a number", "retained", "error", [](Evidence& e) { e.scorecards[1].low = std::nan(""); });
    row("a failed check", "integrity", "unsatisfied", [](Evidence& e) { e.verdict->integrity[0]["ok"] = false; });
    row("no checks", "integrity", "error", [](Evidence& e) { e.verdict->integrity = Json::array(); });
    row("a check that says \"yes\" instead of true", "integrity", "error", [](Evidence& e) { e.verdict->integrity[0]["ok"] = "yes"; });
    row("overspent", "budget", "unsatisfied", [](Evidence& e) { e.spent = Flops{1.1e13}; });
    row("a budget of nothing", "budget", "error", [](Evidence& e) { e.budget = {}; });
    row("spent is not a number", "budget", "error", [](Evidence& e) { e.spent = Flops{std::nan("")}; });
}

void TestApproval::eachRequirementCanRefuse()
{
    QFETCH(Alter, change);
    QFETCH(QString, name);
    QFETCH(QString, state);
    Evidence evidence = example();
    change(evidence);
    const DecisionRecord decision = approval(evidence);   // made on exactly this evidence
    const Status answer = mayDeploy(evidence, {}, decision);
    QVERIFY(!answer);
    QCOMPARE(answer.error().code, Code::Refused);
    for (const Requirement& one : requirements(evidence, {}, decision))
        if (QString::fromStdString(one.name) == name) {
            QCOMPARE(QString::fromStdString(toText(one.state)), state);
            QCOMPARE(one.detail.back(), '.');
        }
    QVERIFY(!decideByPolicy(evidence, policy(), 0));
}

void TestApproval::whoCountsAsReviewer_data()
{
    QTest::addColumn<QString>("actor");
    QTest::addColumn<bool>("counts");
    QTest::addRow("another person") << "person:ana" << true;
    QTest::addRow("the author") << "person:bob" << false;
    QTest::addRow("the author in disguise") << " Person: BOB " << false;
    QTest::addRow("a person without a name") << "person:" << false;
    QTest::addRow("the engine") << "engine" << false;
    QTest::addRow("the improver") << "improver:0123" << false;
    QTest::addRow("a policy nobody wrote") << "policy:0123" << false;
    QTest::addRow("nobody") << "" << false;
}

void TestApproval::whoCountsAsReviewer()
{
    QFETCH(QString, actor);
    QFETCH(bool, counts);
    const Evidence evidence = example();
    QCOMPARE(mayDeploy(evidence, {}, approval(evidence, {}, actor.toStdString())).has_value(), counts);
}

void TestApproval::anyChangeMakesADecisionStale_data()
{
    QTest::addColumn<Alter>("change");
    const auto row = [](const char* text, Alter change) { QTest::addRow("%s", text) << change; };
    row("other weights", [](Evidence& e) { e.challenger.weights = hashOf("x"); });
    row("another genome", [](Evidence& e) { e.challenger.genome = hashOf("x"); });
    row("another tokenizer", [](Evidence& e) { e.challenger.tokenizer = hashOf("x"); });
    row("more evidence", [](Evidence& e) { e.verdict->eValue *= 2; });
    row("another threshold", [](Evidence& e) { e.verdict->threshold /= 2; });
    row("another integrity check", [](Evidence& e) { e.verdict->integrity.push_back({{"name", "causal"}, {"ok", true}}); });
    row("a score changed in the last digit", [](Evidence& e) { e.scorecards[0].challengerMean = std::nextafter(e.scorecards[0].challengerMean, 1); });
    row("a suite less", [](Evidence& e) { e.scorecards.pop_back(); });
    row("a suite more", [](Evidence& e) { e.scorecards.push_back(e.scorecards[0]); e.scorecards.back().suite = "new"; });
    row("a suite no longer retained", [](Evidence& e) { e.scorecards[1].retained = false; });
}

void TestApproval::anyChangeMakesADecisionStale()
{
    QFETCH(Alter, change);
    const Evidence before = example();
    Evidence after = before;
    change(after);
    QVERIFY(bindingOf(before, {}) != bindingOf(after, {}));
    const Status answer = mayDeploy(after, {}, approval(before));
    QVERIFY(!answer);
    QVERIFY2(answer.error().text.find("stale") != std::string::npos, answer.error().text.c_str());
    QVERIFY(bindingOf(before, {}) != bindingOf(before, policy()));
    QVERIFY(bindingOf(before, policy(0.1)) != bindingOf(before, policy(0.2)));
}

void TestApproval::orderAndTimeOfRecordsDoNotMatter()
{
    const Evidence before = example();
    Evidence after = before;
    std::swap(after.scorecards[0], after.scorecards[1]);
    after.scorecards[0].created = exampleTime(9);
    after.verdict->created = exampleTime(9);
    after.spent += Flops{1e11};   // other trials go on meanwhile
    QVERIFY(mayDeploy(after, {}, approval(before)));
}

void TestApproval::rejectionsAndEmptyReasonsDoNotApprove()
{
    const Evidence evidence = example();
    DecisionRecord decision = approval(evidence);
    decision.kind = DecisionKind::Reject;
    QVERIFY(!mayDeploy(evidence, {}, decision));
    decision.kind = DecisionKind::MoreEvidence;
    QVERIFY(!mayDeploy(evidence, {}, decision));
    decision = approval(evidence);
    decision.reason = " \n";
    QVERIFY(!mayDeploy(evidence, {}, decision));
    decision = approval(evidence);
    decision.version = hashOf("another");
    QVERIFY(!mayDeploy(evidence, {}, decision));
}

void TestApproval::policyApprovesWithinItsLimits()
{
    Evidence evidence = example();
    const auto decision = decideByPolicy(evidence, policy(), 2);
    QVERIFY(decision);
    QCOMPARE(decision->actor, "policy:" + policy().hash().hex);
    QCOMPARE(decision->reason, policy().reason);
    QVERIFY(mayDeploy(evidence, policy(), *decision));
    QVERIFY(!decideByPolicy(evidence, policy(), 3));              // deployments are used up
    QVERIFY(!decideByPolicy(evidence, policy(0.1, 0), 0));
    QVERIFY(decideByPolicy(evidence, policy(0.2), 0));            // exactly the lower bound
    QVERIFY(!decideByPolicy(evidence, policy(0.25), 0));
    evidence.scorecards.erase(evidence.scorecards.begin());
    QVERIFY(!decideByPolicy(evidence, policy(0), 0));             // nothing measured on the target
}

void TestApproval::policyMustBeTheOneInForce()
{
    const Evidence evidence = example();
    const DecisionRecord decision = decideByPolicy(evidence, policy(0.1), 0).value();
    QVERIFY(!mayDeploy(evidence, policy(0.05), decision));
    QVERIFY(!mayDeploy(evidence, {}, decision));
    QVERIFY(mayDeploy(evidence, policy(0.1), approval(evidence, policy(0.1))));   // a person may, beside a policy
}

void TestApproval::policiesAreReadStrictly_data()
{
    QTest::addColumn<QString>("text");
    QTest::addRow("nothing") << "{}";
    QTest::addRow("a list") << "[]";
    QTest::addRow("approves everything") << R"({"approve": "all", "reason": "x"})";
    QTest::addRow("no reason") << R"({"approve": "accepted"})";
    QTest::addRow("a blank reason") << R"({"approve": "accepted", "reason": " "})";
    QTest::addRow("a misspelt limit") << R"({"approve": "accepted", "reason": "x", "maxDeployment": 1})";
    QTest::addRow("a negative limit") << R"({"approve": "accepted", "reason": "x", "maxDeployments": -1})";
    QTest::addRow("half a deployment") << R"({"approve": "accepted", "reason": "x", "maxDeployments": 0.5})";
    QTest::addRow("a gain below nothing") << R"({"approve": "accepted", "reason": "x", "minDifference": -0.1})";
    QTest::addRow("a gain in words") << R"({"approve": "accepted", "reason": "x", "minDifference": "some"})";
}

void TestApproval::policiesAreReadStrictly()
{
    QFETCH(QString, text);
    const auto read = Policy::fromJson(Json::parse(text.toStdString()));
    QVERIFY(!read);
    QCOMPARE(read.error().code, Code::BadInput);
}

QTEST_GUILESS_MAIN(TestApproval)
#include "tst_approval.moc"
