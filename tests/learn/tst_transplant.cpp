// SPDX-License-Identifier: GPL-3.0-or-later
// Models taken over into another shape: the function before and after, for every kind of change and for random pairs.
// With RATCHET_TABLE in the environment it prints the rows of docs/surgery.md.
#include <QTest>

#include <cstdio>

#include "core/surgery/transplant.h"
#include "random_model.h"

using namespace ratchet;

namespace {

Transformer grown(const Transformer& parent, const Architecture& architecture, Transplant& result)
{
    Transformer child(architecture, vocabulary);
    child.initialise(99);
    result = transplant(parent, child).value();
    return child;
}

void row(const char* name, const char* parent, const char* change)
{
    QTest::addRow("%s", name) << QString(parent) << QString(change);
}

} // namespace

class TransplantTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theFunctionIsKept_data();
    void theFunctionIsKept();
    void whatCannotBeKeptIsSaid_data();
    void whatCannotBeKeptIsSaid();
    void aClaimHoldsForAnyPair_data();
    void aClaimHoldsForAnyPair();
    void theGrownModelCanLearnWithItsNewParts();
    void theParentIsNotTouched();
    void anotherVocabularyIsRefused();
    void aParentWithNanIsRefused();
};

void TransplantTest::theFunctionIsKept_data()
{
    QTest::addColumn<QString>("parent");
    QTest::addColumn<QString>("change");
    row("the same shape", "", "");
    row("more blocks", "", "layers=5");
    row("more blocks, with biases", "bias=true", "layers=5");
    row("more hidden units", "", "feedForwardWidth=40");
    row("more hidden units, gated", "feedForward=swiglu norm=rmsnorm", "feedForwardWidth=40");
    row("more hidden units, squared ReLU", "feedForward=relu2", "feedForwardWidth=25");
    row("more hidden units, tanh GELU", "feedForward=gelu-tanh", "feedForwardWidth=40");
    row("twice the width with more heads", "", "width=32 heads=8 kvHeads=8");
    row("twice the width with wider heads", "", "width=32");
    row("twice the width, with biases", "bias=true", "width=32 heads=8 kvHeads=8");
    row("twice the width, free head", "tied=false", "width=32 heads=8 kvHeads=8");
    row("three times the width, RMSNorm", "norm=rmsnorm tied=false", "width=48 heads=12 kvHeads=12");
    row("half more width, RMSNorm, epsilon scaled", "norm=rmsnorm",
        "width=24 heads=6 kvHeads=6 normEpsilon=6.666666666666667e-6");
    row("half more width, LayerNorm, epsilon scaled", "",
        "width=24 heads=6 kvHeads=6 normEpsilon=6.666666666666667e-6");
    row("half more width, LayerNorm, free head, biases, epsilon scaled", "tied=false bias=true",
        "width=24 heads=6 kvHeads=6 normEpsilon=6.666666666666667e-6");
    row("wider heads, RoPE whose angles are found again", "positions=rope", "width=32");
    row("wider heads, RoPE with the base that keeps the angles", "positions=rope norm=rmsnorm",
        "width=24 ropeBase=1000000 normEpsilon=6.666666666666667e-6");
    row("wider heads, QK-norm", "qkNorm=true", "width=32");
    row("wider heads, QK-norm, memory tokens", "qkNorm=true memoryTokens=3", "width=48");
    row("more key heads, each query head keeps its own", "kvHeads=2", "kvHeads=4");
    row("from one key head to two", "kvHeads=1", "kvHeads=2");
    row("more query heads a key head", "kvHeads=4", "width=32 heads=8 kvHeads=4");
    row("more heads in the same groups, RoPE, QK-norm", "kvHeads=2 positions=rope qkNorm=true",
        "width=32 heads=8 kvHeads=4");
    row("everything wider and deeper at once", "kvHeads=2 positions=rope qkNorm=true norm=rmsnorm feedForward=swiglu",
        "layers=3 width=32 heads=8 kvHeads=4 feedForwardWidth=48 context=16");
    row("a longer context", "", "context=20");
    row("a shorter context", "", "context=6");
    row("a shorter context, RoPE", "positions=rope", "context=6");
    row("a head of its own", "", "tied=false");
    row("a head of its own, twice the width", "", "tied=false width=32 heads=8 kvHeads=8");
    row("a table of positions where there was none", "positions=none", "positions=learned");
    row("biases where there were none", "", "bias=true");
    row("a value embedding where there was none", "", "valueEmbedding=true");
    row("a value embedding, twice the width", "valueEmbedding=true kvHeads=2", "width=32 heads=8 kvHeads=4");
    row("memory tokens, twice the width", "memoryTokens=3 kvHeads=2", "width=32 kvHeads=2");
    row("a window as long as the context", "", "window=10");
    row("no window where it reached everything", "window=12", "window=0");
    row("a window, more blocks", "window=4", "layers=3");
    row("experts from one feed-forward", "", "experts=4 expertsPerToken=2");
    row("experts from one feed-forward, gated, one a token", "feedForward=swiglu", "experts=3 expertsPerToken=1");
    row("one expert from one feed-forward", "", "experts=1 expertsPerToken=1");
    row("one feed-forward from one expert", "experts=1 expertsPerToken=1", "experts=0");
    row("twice the experts, twice as many a token", "experts=3 expertsPerToken=2", "experts=6 expertsPerToken=4");
    row("twice the experts, one a token", "experts=3 expertsPerToken=1", "experts=6 expertsPerToken=1");
    row("twice the experts, two a token where it was one", "experts=3 expertsPerToken=1",
        "experts=6 expertsPerToken=2");
    row("experts with more hidden units and twice the width", "experts=3 expertsPerToken=2 feedForward=swiglu",
        "feedForwardWidth=30 width=32");
}

void TransplantTest::theFunctionIsKept()
{
    QFETCH(QString, parent);
    QFETCH(QString, change);
    const Transformer old = randomModel(altered(smallArchitecture(), parent).value());
    Transplant result;
    const Transformer child = grown(old, altered(old.architecture(), change).value(), result);
    const double difference = differenceOf(old, child);
    if (qEnvironmentVariableIsSet("RATCHET_TABLE"))
        std::printf("| %s | yes | %.1e |\n", QTest::currentDataTag(), difference);
    QVERIFY2(result.keepsFunction, result.note.c_str());
    QVERIFY2(difference < 1e-5, qPrintable(QString::number(difference)));
    QVERIFY(logitsOf(old, 4).abs().max().item<double>() > 0.5);
}

void TransplantTest::whatCannotBeKeptIsSaid_data()
{
    QTest::addColumn<QString>("parent");
    QTest::addColumn<QString>("change");
    QTest::addColumn<QString>("reason");
    const auto lossy = [](const char* name, const char* parent, const char* change, const char* reason) {
        QTest::addRow("%s", name) << QString(parent) << QString(change) << QString(reason);
    };
    lossy("RoPE for a table of positions", "", "positions=rope", "positions are rope");
    lossy("no positions for a table", "", "positions=none", "positions are none");
    lossy("coupled positions for learned ones", "", "positions=coupled", "positions are coupled");
    lossy("another base of RoPE", "positions=rope", "ropeBase=500", "other angles");
    lossy("RMSNorm for LayerNorm", "", "norm=rmsnorm", "the norm is rmsnorm");
    lossy("another epsilon", "", "normEpsilon=0.01", "normEpsilon");
    lossy("SwiGLU for GELU", "", "feedForward=swiglu", "the feed-forward is swiglu");
    lossy("tanh GELU for GELU", "", "feedForward=gelu-tanh", "the feed-forward is gelu-tanh");
    lossy("QK-norm added", "", "qkNorm=true", "normalised now");
    lossy("QK-norm with RoPE, wider heads", "qkNorm=true positions=rope", "width=32", "normalised differently");
    lossy("a limit of the logits", "", "softCap=2", "limited differently");
    lossy("tying the head", "tied=false", "tied=true", "tying");
    lossy("half more width with the old epsilon", "", "width=24 heads=6 kvHeads=6", "6.66667e-06");
    lossy("memory tokens added", "", "memoryTokens=2", "share of every query's attention");
    lossy("memory tokens removed", "memoryTokens=3", "memoryTokens=2", "2 of 3 memory tokens");
    lossy("a narrower window", "", "window=3", "sees 3 tokens where it saw 10");
    lossy("a wider window", "window=3", "window=6", "sees 6 tokens where it saw 3");
    lossy("a value embedding removed", "valueEmbedding=true", "valueEmbedding=false", "no place for valueEmbedding");
    lossy("biases removed", "bias=true", "bias=false", "no place for qkv.bias");
    lossy("experts for a feed-forward with biases", "bias=true", "bias=false experts=2", "no place for up.bias");
    lossy("more experts, as many a token", "experts=2 expertsPerToken=2", "experts=4", "4 experts are routed to");
    lossy("fewer experts", "experts=4 expertsPerToken=2", "experts=2", "2 experts are routed to");
    lossy("fewer experts a token", "experts=4 expertsPerToken=2", "expertsPerToken=1", "sent to 1 experts");
    lossy("one feed-forward from many experts", "experts=4 expertsPerToken=2", "experts=0", "mean of the experts");
    lossy("fewer blocks", "layers=3", "layers=2", "2 of 3 blocks");
    lossy("fewer hidden units", "", "feedForwardWidth=12", "12 of 24 hidden units");
    lossy("fewer heads", "", "heads=2 kvHeads=2", "2 of 4 heads");
    lossy("fewer key heads", "", "kvHeads=2", "2 query heads share a key head where 1 did");
    lossy("fewer heads, fewer key heads still", "", "heads=2 kvHeads=1", "2 of 4 heads");
    lossy("less width", "", "width=8", "8 of 16 channels");
    lossy("narrower heads", "", "heads=8 kvHeads=8", "heads have 2 channels where they had 4");
}

void TransplantTest::whatCannotBeKeptIsSaid()
{
    QFETCH(QString, parent);
    QFETCH(QString, change);
    QFETCH(QString, reason);
    const Transformer old = randomModel(altered(smallArchitecture(), parent).value());
    Transplant result;
    const Transformer child = grown(old, altered(old.architecture(), change).value(), result);
    const double difference = differenceOf(old, child);
    if (qEnvironmentVariableIsSet("RATCHET_TABLE"))
        std::printf("| %s | no | %.1e |\n", QTest::currentDataTag(), difference);
    QVERIFY(!result.keepsFunction);
    QVERIFY2(QString::fromStdString(result.note).contains(reason), result.note.c_str());
    QVERIFY(at::isfinite(child.flat()).all().item<bool>());
    QVERIFY2(difference > 1e-6, qPrintable(QString::number(difference))); // the note does not cry wolf
}

void TransplantTest::aClaimHoldsForAnyPair_data()
{
    QTest::addColumn<int>("seed");
    for (int seed = 0; seed < 6; ++seed)
        QTest::addRow("forty pairs, seed %d", seed) << seed;
}

namespace {

// One of the listed values of a path, or nothing.
QString drawChange(Rng& rng, const QString& path, const QStringList& values, double chance)
{
    if (rng.uniform() >= chance)
        return {};
    const auto at = rng.below(static_cast<std::uint64_t>(values.size()));
    return " " + path + "=" + values[static_cast<qsizetype>(at)];
}

QString drawChanges(Rng& rng, double kinds, double sizes)
{
    return drawChange(rng, "norm", {"layernorm", "rmsnorm"}, kinds) +
           drawChange(rng, "feedForward", {"gelu", "gelu-tanh", "relu2", "swiglu"}, kinds) +
           drawChange(rng, "positions", {"learned", "rope", "none", "coupled"}, kinds) +
           drawChange(rng, "qkNorm", {"true", "false"}, kinds) + drawChange(rng, "tied", {"true", "false"}, kinds) +
           drawChange(rng, "softCap", {"0", "3"}, kinds) + drawChange(rng, "window", {"0", "3", "40"}, kinds) +
           drawChange(rng, "memoryTokens", {"0", "2"}, kinds) + drawChange(rng, "bias", {"true", "false"}, kinds) +
           drawChange(rng, "valueEmbedding", {"true", "false"}, kinds) +
           drawChange(rng, "experts", {"0", "2", "4"}, kinds) +
           drawChange(rng, "expertsPerToken", {"1", "2", "4"}, kinds) +
           drawChange(rng, "layers", {"1", "2", "3"}, sizes) + drawChange(rng, "width", {"16", "32", "48"}, sizes) +
           drawChange(rng, "heads", {"2", "4", "8"}, sizes) + drawChange(rng, "kvHeads", {"1", "2", "4"}, sizes) +
           drawChange(rng, "feedForwardWidth", {"12", "24", "40"}, sizes) +
           drawChange(rng, "context", {"8", "10", "16"}, sizes);
}

Architecture drawArchitecture(Rng& rng, const Architecture& base, double kinds, double sizes)
{
    while (true)
        if (const auto drawn = altered(base, drawChanges(rng, kinds, sizes)))
            return *drawn;
}

} // namespace

void TransplantTest::aClaimHoldsForAnyPair()
{
    QFETCH(int, seed);
    Rng rng(static_cast<std::uint64_t>(seed) + 100);
    int kept = 0;
    for (int pair = 0; pair < 40; ++pair) {
        const Transformer parent =
            randomModel(drawArchitecture(rng, smallArchitecture(), 0.6, 0.5), static_cast<std::uint64_t>(pair));
        Transplant result;
        const Transformer child = grown(parent, drawArchitecture(rng, parent.architecture(), 0.06, 0.3), result);
        QVERIFY(at::isfinite(child.flat()).all().item<bool>());
        Genome from, to;
        from.architecture = parent.architecture();
        to.architecture = child.architecture();
        const std::string what = from.toJson().at("architecture").dump() + patchBetween(from, to).dump() + result.note;
        QVERIFY2(result.note.ends_with("."), what.c_str());
        kept += result.keepsFunction;
        const double difference = differenceOf(parent, child);
        QVERIFY2(std::isfinite(difference), what.c_str());
        if (result.keepsFunction)
            QVERIFY2(difference < 1e-5, qPrintable(QString::number(difference) + " " + what.c_str()));
        else
            QVERIFY2(result.note.find("The function changed: ") != std::string::npos, what.c_str());
    }
    QVERIFY2(kept >= 5 && kept <= 35, qPrintable(QString::number(kept))); // both sides were tried
}

void TransplantTest::theGrownModelCanLearnWithItsNewParts()
{
    const Transformer parent = randomModel(smallArchitecture());
    Transplant result;
    Transformer child = grown(parent, altered(smallArchitecture(), "layers=3 feedForwardWidth=32").value(), result);
    const at::Tensor gradient = gradientOf(child, 10);
    for (const char* const map : {"attention.output.weight", "feedForward.down.weight"})
        QVERIFY2(tensorOf(child, gradient, std::string("blocks.2.") + map).abs().max().item<double>() > 1e-6, map);
    const at::Tensor heard = tensorOf(child, gradient, "blocks.0.feedForward.down.weight").narrow(1, 24, 8);
    QVERIFY(heard.abs().max().item<double>() > 1e-6);
}

void TransplantTest::theParentIsNotTouched()
{
    const Transformer parent = randomModel(smallArchitecture());
    const at::Tensor before = parent.flat().clone();
    Transplant result;
    (void)grown(parent, altered(smallArchitecture(), "width=8 layers=1").value(), result);
    QVERIFY(at::equal(before, parent.flat()));
}

void TransplantTest::anotherVocabularyIsRefused()
{
    const Transformer parent = randomModel(smallArchitecture());
    Transformer child(smallArchitecture(), vocabulary + 1);
    child.initialise(4);
    const at::Tensor before = child.flat().clone();
    const auto result = transplant(parent, child);
    QVERIFY(!result);
    QCOMPARE(result.error().code, Code::BadInput);
    QVERIFY(result.error().text.find("9 tokens and the child 10") != std::string::npos);
    QVERIFY(at::equal(before, child.flat()));
    QVERIFY(!transplantMoments(parent, child, {parent.flat(), {}}));
}

void TransplantTest::aParentWithNanIsRefused()
{
    const Transformer parent = randomModel(smallArchitecture());
    tensorOf(parent, parent.flat(), "blocks.1.attention.output.weight")[3][4] = NAN;
    Transformer child(smallArchitecture(), vocabulary);
    const auto result = transplant(parent, child);
    QVERIFY(!result);
    QVERIFY(result.error().text.find("blocks.1.attention.output.weight") != std::string::npos);
    QCOMPARE(child.flat().abs().max().item<double>(), 0.0);
}

QTEST_GUILESS_MAIN(TransplantTest)
#include "tst_transplant.moc"
