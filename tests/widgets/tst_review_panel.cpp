// SPDX-License-Identifier: GPL-3.0-or-later
// What a reviewer is asked, and the panel over a real lab folder.
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTest>

#include "panel_lab.h"
#include "widgets/panels/review_card.h"
#include "widgets/panels/review_panel.h"

using namespace ratchet;

namespace {

QPushButton* button(const ReviewPanel& panel, const QString& name)
{
    for (auto* found : panel.findChildren<QPushButton*>())
        if (found->accessibleName() == name)
            return found;
    return nullptr;
}

} // namespace

class TestReviewPanel : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void sortsByTurn()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        const auto cases = casesOf(*session->snapshot(), QStringLiteral("person:ana"));
        QCOMPARE(cases.size(), 2U);
        QCOMPARE(cases[0].proposal, PanelLab::waiting);
        QCOMPARE(int(cases[0].turn), int(Turn::Yours));
        QCOMPARE(int(cases[1].turn), int(Turn::Decided));
    }
    // Found in a demo with placebos: an identity placebo has the champion's own version, which was decided on.
    void aPlaceboIsNobodysCase()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        Snapshot snapshot = *session->snapshot();
        const auto before = casesOf(snapshot, QStringLiteral("person:ana")).size();
        for (ProposalRecord& proposal : snapshot.proposals)
            if (proposal.id == PanelLab::declined)
                proposal.family = placeboFamily;
        QCOMPARE(casesOf(snapshot, QStringLiteral("person:ana")).size(), before - 1);
    }
    void nobodyReviewsTheirOwn()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        Snapshot mine = *session->snapshot();
        for (auto& proposal : mine.proposals)
            proposal.author = "person:ana";
        const auto cases = casesOf(mine, QStringLiteral("person:ana"));
        QCOMPARE(int(cases[0].turn), int(Turn::Waiting));
        QVERIFY(cases[0].why.contains(QStringLiteral("somebody else")));
    }
    void genomeShowsOnlyWhatDiffers()
    {
        const auto changes = genomeChanges({{"a", {{"b", 1}, {"c", "x"}}}, {"gone", 2}}, {{"a", {{"b", 1}, {"c", "y"}}}, {"new", true}});
        QCOMPARE(changes.size(), 3U);
        QCOMPARE(changes[0].path, QStringLiteral("a.c"));
        QCOMPARE(changes[0].champion, QStringLiteral("x"));
        QCOMPARE(changes[0].challenger, QStringLiteral("y"));
        QCOMPARE(changes[1].challenger, QStringLiteral("\u2013"));
        QCOMPARE(changes[2].champion, QStringLiteral("\u2013"));
        QVERIFY(genomeChanges(Json(), Json()).empty());
    }
    void failuresStandSideBySideWithTheirIntervals()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        ReviewCard card;
        const auto cases = casesOf(*session->snapshot(), QStringLiteral("person:ana"));
        card.show(*session->snapshot(), cases.front());
        QString table;
        for (const auto* label : card.findChildren<QLabel*>())
            if (label->text().contains(QLatin1String("challenger [95 %]")))
                table = label->text();
        const auto row = [&](const char* name) { return table.section(QLatin1String(name), 1).section(QLatin1String("</tr>"), 0, 0); };
        QVERIFY2(row("carry").contains(QLatin1String("43.7 % [38.8, 48.6]")) && row("carry").contains(QLatin1String("23.3 % [19.3, 27.7]")), qPrintable(table));
        QVERIFY(row("carry").contains(QChar(0x25BC)));       // fewer, and the intervals do not meet
        QVERIFY(row("digit").contains(QChar(0x25B2)));
        QVERIFY(!row("length").contains(QChar(0x25BC)) && !row("length").contains(QChar(0x25B2)));
        QVERIFY(row("sign").contains(QLatin1String("0.0 %")));           // of the champion
    }
    void looksAreCounted()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        Snapshot snapshot = *session->snapshot();
        ReviewCard card;
        const auto says = [&](const char* words) {
            card.show(snapshot, casesOf(snapshot, QStringLiteral("person:ana")).front());
            const auto labels = card.findChildren<QLabel*>();
            return std::any_of(labels.begin(), labels.end(), [&](const QLabel* one) { return one->text().contains(QLatin1String(words)); });
        };
        QVERIFY(says("412 pairs, 78 discordant, 5 looks"));
        QVERIFY(!says("before:"));
        VerdictRecord died = *snapshot.verdict(PanelLab::waiting);
        died.k = 1;
        died.verdict = Verdict::NoResult;
        died.pairs = 150;
        snapshot.verdicts.insert(snapshot.verdicts.begin(), died);
        QVERIFY(says("before: no-result; question k = 1"));
        QVERIFY(says("150 pairs, 78 discordant") && says("412 pairs, 78 discordant"));
        QVERIFY(says("vault: 0 looks used"));
        snapshot.vault = {3, 20};
        QVERIFY(says("vault: 3 looks of 20 used, 17 left"));
    }
    void samplesShowWhereTheTwoDiffer()
    {
        ScorecardRecord card;
        card.samples = Json::array({{{"prompt", "1+1="}, {"champion", "2"}, {"challenger", "2"}}, 7, {{"expected", "3"}},
                                    {{"prompt", "9+9="}, {"champion", "8"}, {"championClass", "carry"}, {"challenger", "18"}}});
        const auto samples = samplesIn({&card});
        QCOMPARE(samples.size(), 2U);
        QCOMPARE(samples[0].prompt, QStringLiteral("9+9="));
        QVERIFY(samples[0].challengerRight && !samples[0].championRight);
    }
    void decidingNeedsAReason()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        ReviewPanel panel;
        panel.resize(1000, 700);
        panel.setSession(session.get());
        QCOMPARE(panel.current(), std::optional(PanelLab::waiting));
        auto* approve = button(panel, QStringLiteral("Approve"));
        QVERIFY(approve && !approve->isEnabled());
        QVERIFY(panel.refusal().contains(QStringLiteral("reason")));
        panel.findChild<QLineEdit*>()->setText(QStringLiteral("The interval is well above zero."));
        QVERIFY2(approve->isEnabled(), qPrintable(panel.refusal()));
        panel.grab();
    }
    void whatIsDecidedStays()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        ReviewPanel panel;
        panel.setSession(session.get());
        panel.open(PanelLab::declined);
        QVERIFY(panel.refusal().contains(QStringLiteral("decided")));
        QVERIFY(!button(panel, QStringLiteral("Approve"))->isEnabled());
        panel.grab();
    }
    void wrongRecordsAreHarmless()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        {
            auto store = lab.store();
            auto verdict = PanelLab::must(store->verdict(PanelLab::waiting));
            verdict->integrity = Json{{"not", "a list"}};
            verdict->threshold = 0;
            verdict->eValue = 0;
            QVERIFY(store->add(*verdict));
        }
        const auto session = lab.session();
        Snapshot odd = *session->snapshot();
        odd.versions.clear();
        QVERIFY(!evidenceIn(odd, PanelLab::waiting));
        QVERIFY(!evidenceIn(odd, {77}));
        QCOMPARE(int(casesOf(odd, QStringLiteral("person:ana"))[0].turn), int(Turn::Waiting));
        ReviewPanel panel;
        panel.setSession(session.get());
        panel.open({77});
        panel.grab();
        panel.setSession(nullptr);
        panel.grab();
    }
    void anEmptyLabSaysWhatWillCome()
    {
        const PanelLab lab(PanelLab::Fill::Empty);
        const auto session = lab.session();
        ReviewPanel panel;
        panel.setSession(session.get());
        QVERIFY(!panel.current());
        panel.grab();
    }
};

QTEST_MAIN(TestReviewPanel)
#include "tst_review_panel.moc"
