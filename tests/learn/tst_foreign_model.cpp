// SPDX-License-Identifier: GPL-3.0-or-later
// Imported models compute what an independent reader of the same folder computes (tests/learn/reference/hugging_face.py,
// plain Python in double precision): from numbers checked in, and on folders that were exported here.
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>

#include "core/model/compat.h"
#include "core/model/transformer.h"
#include "tests/core/foreign_folder.h"

using namespace ratchet;
namespace fs = std::filesystem;

namespace
{

constexpr double tolerance = 1e-4;

std::vector<std::int64_t> tokensOfReference()
{
    return foreign::reference()["tokens"].get<std::vector<std::int64_t>>();
}

// Logits [T, V] of the reference's tokens; rows of numbers as the script prints them.
Json logitsOf(const Architecture& architecture, int vocabulary, const WeightsFile& weights)
{
    Transformer model(architecture, vocabulary);
    if (const Status loaded = model.load(weights); !loaded)
        return loaded.error().text;
    const at::NoGradGuard noGradient;
    auto tokens = tokensOfReference();
    const auto length = static_cast<std::int64_t>(tokens.size());
    const at::Tensor logits = model.forward(at::from_blob(tokens.data(), {1, length}, at::kLong).clone(), {}).contiguous();
    Json rows = Json::array();
    for (std::int64_t t = 0; t < length; ++t) {
        const float* const row = logits.data_ptr<float>() + t * vocabulary;
        rows.push_back(std::vector<double>(row, row + vocabulary));
    }
    return rows;
}

// The largest difference; infinity when the shapes differ.
double distance(const Json& a, const Json& b)
{
    if (!a.is_array() || !b.is_array() || a.size() != b.size())
        return HUGE_VAL;
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i].size() != b[i].size())
            return HUGE_VAL;
        for (std::size_t j = 0; j < a[i].size(); ++j)
            largest = std::max(largest, std::abs(a[i][j].get<double>() - b[i][j].get<double>()));
    }
    return largest;
}

Json logitsOfScript(const QString& python, const fs::path& folder)
{
    QStringList arguments{QStringLiteral(RATCHET_SOURCE_DIR "/tests/learn/reference/hugging_face.py"), QStringLiteral("logits"),
                          QString::fromStdString(folder.string())};
    for (const std::int64_t token : tokensOfReference())
        arguments << QString::number(token);
    QProcess script;
    script.start(python, arguments);
    if (!script.waitForFinished(60000))
        return "it did not end";
    const QByteArray out = script.readAllStandardOutput();
    return Json::parse(out.begin(), out.end(), nullptr, false);
}

} // namespace

class ForeignModelTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void theLogitsAreThoseOfTheReference_data() { kinds(); }
    void theLogitsAreThoseOfTheReference()
    {
        QFETCH(QString, kind);
        const fs::path where = place();
        foreign::write(where, foreign::make(kind.toStdString()));
        const auto imported = importHuggingFace(where);
        QVERIFY2(imported, imported ? "" : imported.error().text.c_str());
        const Json ours = logitsOf(imported->architecture, imported->tokenizer.vocabulary(), imported->weights);
        const double apart = distance(ours, foreign::reference()[kind.toStdString()]["logits"]);
        QVERIFY2(apart <= tolerance, std::to_string(apart).c_str());
    }

    void anotherReaderComputesTheSameFromAnExport_data() { kinds(); }
    void anotherReaderComputesTheSameFromAnExport()
    {
        QFETCH(QString, kind);
        const QString python = QStandardPaths::findExecutable(QStringLiteral("python3"));
        if (python.isEmpty())
            QSKIP("python3 is not installed");
        const fs::path before = place(), after = place();
        foreign::Folder folder = foreign::make(kind.toStdString());
        if (kind == QStringLiteral("llama")) { // the other half of each choice
            folder.config["tie_word_embeddings"] = true;
            folder.weights.tensors.erase("lm_head.weight");
        } else {
            folder.config["activation_function"] = "gelu";
        }
        foreign::write(before, folder);
        const auto imported = importHuggingFace(before);
        QVERIFY2(imported, imported ? "" : imported.error().text.c_str());
        QVERIFY(exportHuggingFace(after, imported->architecture, imported->tokenizer, imported->weights));
        const Json ours = logitsOf(imported->architecture, imported->tokenizer.vocabulary(), imported->weights);
        const double apart = distance(ours, logitsOfScript(python, after));
        QVERIFY2(apart <= tolerance, std::to_string(apart).c_str());
    }

    void aModelOfThisLabIsReadByAnotherReader()
    {
        const QString python = QStandardPaths::findExecutable(QStringLiteral("python3"));
        if (python.isEmpty())
            QSKIP("python3 is not installed");
        const Architecture own{.layers = 2, .width = 16, .heads = 4, .kvHeads = 4, .feedForwardWidth = 32, .context = 16}; // no biases
        const Tokenizer tokenizer("abcdefghijklmnopqrstuvwxyz .,");
        Transformer model(own, tokenizer.vocabulary());
        model.initialise(3);
        const fs::path file = fs::path(m_folder.path().toStdString()) / "own.safetensors", folder = place();
        QVERIFY(model.save(file.string(), model.flat(), {}));
        const auto weights = readWeights(file);
        QVERIFY(weights);
        const Status exported = exportHuggingFace(folder, own, tokenizer, *weights);
        QVERIFY2(exported, exported ? "" : exported.error().text.c_str());
        const double apart = distance(logitsOf(own, tokenizer.vocabulary(), *weights), logitsOfScript(python, folder));
        QVERIFY2(apart <= tolerance, std::to_string(apart).c_str());
    }

private:
    static void kinds()
    {
        QTest::addColumn<QString>("kind");
        QTest::addRow("of GPT-2 shape") << QStringLiteral("gpt2");
        QTest::addRow("of Llama shape") << QStringLiteral("llama");
    }
    [[nodiscard]] fs::path place()
    {
        return fs::path(m_folder.path().toStdString()) / std::to_string(++m_places);
    }
    QTemporaryDir m_folder;
    int m_places = 0;
};

QTEST_GUILESS_MAIN(ForeignModelTest)
#include "tst_foreign_model.moc"
