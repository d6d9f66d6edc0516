// SPDX-License-Identifier: GPL-3.0-or-later
// What every domain promises about the suites that only show something, and the search for items on which a model fails.
#include <QTest>

#include <set>

#include "core/critic/hunt.h"
#include "core/critic/probes.h"
#include "core/plugin/loader.h"

using namespace ratchet;

class TestProbes : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void neighboursAndParaphrasesKeepTheirPromises_data();
    void neighboursAndParaphrasesKeepTheirPromises();
    void aDomainOffersWhatItCanServe_data();
    void aDomainOffersWhatItCanServe();
    void sumsThatCarryEverywhere();
    void theHuntFindsTheWeakness();
    void theHuntIsSeeded();
    void theHuntFillsUpWhenNothingIsNear();
};

void TestProbes::initTestCase()
{
    qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR);
}

void TestProbes::neighboursAndParaphrasesKeepTheirPromises_data()
{
    QTest::addColumn<QString>("name");
    for (const auto& name : domainNames())
        if (name != "text")           // needs a corpus, and has neither
            QTest::addRow("%s", name.c_str()) << QString::fromStdString(name);
}

void TestProbes::neighboursAndParaphrasesKeepTheirPromises()
{
    QFETCH(QString, name);
    const auto domain = loadDomain(name.toStdString());
    QVERIFY(domain);
    const Reasoning reasoning = (*domain)->seedGenome().reasoning;
    Rng rng(7);
    int near = 0, said = 0, drawn = 0;
    for (const auto& suite : (*domain)->suites())
        for (const auto split : {Split::Guide, Split::Gate, Split::Vault})
            for (int i = 0; i < 40; ++i, ++drawn) {
                const Item item = (*domain)->draw(suite.name, split, rng);
                if (const auto neighbour = (*domain)->neighbour(item, rng)) {
                    ++near;
                    QVERIFY2(neighbour->id != item.id, item.id.c_str());
                    QVERIFY2((*domain)->splitOf(*neighbour) == split, neighbour->id.c_str());
                    const auto example = (*domain)->example(*neighbour, reasoning);
                    QVERIFY2((*domain)->grade(*neighbour, example.completion, reasoning).score == 1, neighbour->id.c_str());
                }
                if (const auto other = (*domain)->paraphrase(item, rng)) {
                    ++said;
                    QVERIFY2((*domain)->splitOf(*other) == split, other->id.c_str());
                    QVERIFY2((*domain)->example(*other, reasoning).prompt != (*domain)->example(item, reasoning).prompt, item.id.c_str());
                    QCOMPARE((*domain)->grade(*other, "", reasoning).expected, (*domain)->grade(item, "", reasoning).expected);
                }
            }
    QVERIFY2(near > drawn / 2, qPrintable(QString("%1 neighbours of %2 items").arg(near).arg(drawn)));
}

void TestProbes::aDomainOffersWhatItCanServe_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("probes");
    QTest::addRow("sums can be swapped") << "arithmetic" << "addition-4 addition-3-chain addition-3-padded fixed adversarial paraphrase sampling";
    QTest::addRow("differences cannot") << "subtraction" << "subtraction-4 fixed adversarial sampling";
    QTest::addRow("strings have no other words") << "strings" << "copy-16 reverse-12 fixed adversarial sampling";
    QTest::addRow("stories can be of somebody else") << "wordproblem" << "fixed adversarial paraphrase sampling";
}

void TestProbes::aDomainOffersWhatItCanServe()
{
    QFETCH(QString, name);
    QFETCH(QString, probes);
    const auto domain = loadDomain(name.toStdString());
    QVERIFY(domain);
    QStringList names;
    for (const auto& probe : probesOf(**domain)) {
        names << QString::fromStdString(probe.name);
        QVERIFY(probe.role == SuiteRole::Probe);
    }
    QCOMPARE(names.join(' '), probes);
    for (const auto& suite : decidingSuites(**domain))
        QVERIFY(suite.role != SuiteRole::Probe);
}

void TestProbes::sumsThatCarryEverywhere()
{
    const auto domain = loadDomain("arithmetic");
    QVERIFY(domain);
    Rng rng(1);
    for (int i = 0; i < 200; ++i) {
        const Item item = (*domain)->draw("addition-3-chain", Split::Guide, rng);
        const auto a = item.question.at("a").get<std::string>(), b = item.question.at("b").get<std::string>();
        int carry = 0;
        for (int place = 2; place >= 0; --place) {
            carry = (a[std::size_t(place)] - '0') + (b[std::size_t(place)] - '0') + carry > 9 ? 1 : 0;
            QVERIFY2(carry == 1, item.id.c_str());
        }
        const Item padded = (*domain)->draw("addition-3-padded", Split::Guide, rng);
        QVERIFY2(padded.question.at("a").get<std::string>()[0] == '0' || padded.question.at("b").get<std::string>()[0] == '0', padded.id.c_str());
    }
}

namespace {

// Models that stumble over a seven in the first operand (champion) and over a zero in the second (challenger): one item in
// four or five of those drawn afresh.
Result<Answered> stumble(std::vector<ExamItem> items)
{
    Answered answered;
    for (const auto& item : items) {
        const bool seven = item.item.question.at("a").get<std::string>().find('7') != std::string::npos;
        const bool zero = item.item.question.at("b").get<std::string>().find('0') != std::string::npos;
        answered.champion.push_back({seven ? 0.0 : 1.0, seven ? "digit" : "", "", 0.9});
        answered.challenger.push_back({zero ? 0.0 : 1.0, zero ? "digit" : "", "", 0.9});
    }
    answered.items = std::move(items);
    return answered;
}

std::vector<ExamItem> freshSums(const Domain& domain, int count)
{
    Rng rng(5);
    std::vector<ExamItem> items;
    for (int i = 0; i < count; ++i)
        items.push_back({domain.draw("addition-3", Split::Guide, rng), {}});
    return items;
}

double failures(const std::vector<Reply>& replies)
{
    double wrong = 0;
    for (const auto& reply : replies)
        wrong += reply.score < 1;
    return wrong / double(replies.size());
}

} // namespace

void TestProbes::theHuntFindsTheWeakness()
{
    const auto domain = loadDomain("arithmetic");
    QVERIFY(domain);
    const auto fresh = freshSums(**domain, 200);
    const auto before = stumble(fresh);
    Rng rng(1);
    const auto found = hunt(**domain, fresh, 200, rng, stumble);
    QVERIFY(found.has_value());
    QCOMPARE(found->items.size(), std::size_t(200));
    QVERIFY2(failures(found->champion) > 1.5 * failures(before->champion) && failures(found->challenger) > 1.5 * failures(before->challenger),
             qPrintable(QString("%1 and %2 of what was hunted, %3 and %4 of fresh ones").arg(failures(found->champion))
                            .arg(failures(found->challenger)).arg(failures(before->champion)).arg(failures(before->challenger))));
    std::set<std::string> ids;
    for (const auto& item : found->items) {
        QVERIFY((*domain)->splitOf(item.item) == Split::Guide);
        ids.insert(item.item.id);
    }
    QCOMPARE(ids.size(), std::size_t(200));
}

void TestProbes::theHuntIsSeeded()
{
    const auto domain = loadDomain("arithmetic");
    QVERIFY(domain);
    const auto ids = [&](std::uint64_t seed) {
        Rng rng(seed);
        QStringList list;
        const auto found = hunt(**domain, freshSums(**domain, 60), 60, rng, stumble);
        for (const auto& item : found->items)
            list << QString::fromStdString(item.item.id);
        return list.join(' ');
    };
    QCOMPARE(ids(1), ids(1));
    QVERIFY(ids(1) != ids(2));
}

void TestProbes::theHuntFillsUpWhenNothingIsNear()
{
    const auto domain = loadDomain("arithmetic");
    QVERIFY(domain);
    struct Lonely final : Domain {            // sums without neighbours
        explicit Lonely(const Domain& of) : domain(of) {}
        DomainInfo info() const override { return domain.info(); }
        Genome seedGenome() const override { return domain.seedGenome(); }
        Json searchSpace() const override { return domain.searchSpace(); }
        std::vector<SuiteSpec> suites() const override { return domain.suites(); }
        Item drawTraining(const Data& data, Rng& rng) const override { return domain.drawTraining(data, rng); }
        Item draw(const std::string& suite, Split split, Rng& rng) const override { return domain.draw(suite, split, rng); }
        Split splitOf(const Item& item) const override { return domain.splitOf(item); }
        Example example(const Item& item, const Reasoning& reasoning) const override { return domain.example(item, reasoning); }
        Result<Example> exampleWith(const Item& item, const std::string& answer, const Reasoning& r) const override { return domain.exampleWith(item, answer, r); }
        Grade grade(const Item& item, std::string_view text, const Reasoning& r) const override { return domain.grade(item, text, r); }
        Result<Item> parse(std::string_view prompt) const override { return domain.parse(prompt); }
        int longestExample(const Data& data, const Reasoning& r) const override { return domain.longestExample(data, r); }
        std::vector<std::string> failureClasses() const override { return domain.failureClasses(); }
        const Domain& domain;
    };
    const Lonely lonely(**domain);
    Rng rng(1);
    const auto found = hunt(lonely, freshSums(**domain, 60), 60, rng, stumble);
    QVERIFY(found.has_value());
    QCOMPARE(found->items.size(), std::size_t(60));
}

QTEST_APPLESS_MAIN(TestProbes)
#include "tst_probes.moc"
