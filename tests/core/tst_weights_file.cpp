// SPDX-License-Identifier: GPL-3.0-or-later
// The safetensors reader against files that a worker should never have written.
#include <QTemporaryDir>
#include <QTest>

#include <cstring>
#include <limits>

#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/genome/weights_file.h"

using namespace ratchet;

namespace
{

std::string fileOf(const std::string& header, const std::string& data, std::uint64_t claimed = 0)
{
    const std::uint64_t length = claimed ? claimed : header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + header + data;
}

std::string floatBytes(std::initializer_list<float> values)
{
    return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(float)};
}

Architecture tiny()
{
    return {.layers = 1, .width = 8, .heads = 2, .kvHeads = 1, .feedForwardWidth = 8, .context = 4};
}

WeightsFile contentOf(const Architecture& architecture, int vocabulary)
{
    WeightsFile content;
    Rng rng(1);
    for (const auto& [name, shape] : expectedTensors(architecture, vocabulary)) {
        std::int64_t count = 1;
        for (const std::int64_t size : shape)
            count *= size;
        std::vector<float> values;
        for (std::int64_t i = 0; i < count; ++i)
            values.push_back(static_cast<float>(rng.normal()));
        content.add(name, "F32", shape, values.data());
    }
    content.metadata["by"] = "a test";
    return content;
}

} // namespace

class WeightsFileTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void whatIsWrittenIsReadBack();
    void theSameContentGivesTheSameBytes();
    void brokenFilesAreRefused_data();
    void brokenFilesAreRefused();
    void everyTruncationIsRefused();
    void randomDamageNeverCrashes();
    void weightsMustMatchTheirGenome();

private:
    [[nodiscard]] std::string path() const { return m_folder.path().toStdString() + "/w.safetensors"; }
    QTemporaryDir m_folder;
};

void WeightsFileTest::whatIsWrittenIsReadBack()
{
    const WeightsFile content = contentOf(tiny(), 7);
    QVERIFY(writeWeights(path(), content));
    const auto read = readWeights(path());
    QVERIFY2(read, read ? "" : read.error().text.c_str());
    QCOMPARE(read->metadata.at("by"), std::string("a test"));
    QVERIFY(checkWeights(*read, tiny(), 7));
    for (const auto& [name, entry] : content.tensors) {
        QVERIFY(read->tensors.at(name).shape == entry.shape);
        QVERIFY(std::memcmp(read->floats(name), content.floats(name), entry.bytes) == 0);
    }
    QVERIFY(read->floats("no such tensor") == nullptr);
}

void WeightsFileTest::theSameContentGivesTheSameBytes()
{
    QVERIFY(writeWeights(path(), contentOf(tiny(), 7)));
    const auto first = readFile(path());
    QVERIFY(writeWeights(path(), contentOf(tiny(), 7)));
    QVERIFY(*first == *readFile(path()));
}

void WeightsFileTest::brokenFilesAreRefused_data()
{
    QTest::addColumn<QByteArray>("bytes");
    const auto row = [](const char* name, const std::string& bytes) {
        QTest::addRow("%s", name) << QByteArray::fromStdString(bytes);
    };
    const std::string two = floatBytes({1, 2}), a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
    const auto alone = [](const std::string& entry) { return "{" + entry + "}"; };
    row("empty", "");
    row("shorter than its length", "abc");
    row("a header longer than the file", fileOf("{}", "", 1000));
    row("a header of 2^63 bytes", fileOf("{}", "", 1ULL << 63));
    row("no JSON", fileOf("{]", ""));
    row("an array", fileOf("[]", ""));
    row("a pickle", "\x80\x02}q\x01." + std::string(64, 'x'));
    row("a key twice", fileOf("{" + a + "," + a + "}", two));
    row("a field twice", fileOf(alone(R"("a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"), two));
    row("an unknown field", fileOf(alone(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"code":1})"), two));
    row("a missing field", fileOf(alone(R"("a":{"dtype":"F32","shape":[2]})"), two));
    row("a type that is not allowed", fileOf(alone(R"("a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]})"), two));
    row("a negative size", fileOf(alone(R"("a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), two));
    row("a size that is no integer", fileOf(alone(R"("a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), two));
    row("sizes whose product overflows",
        fileOf(alone(R"("a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]})"), two));
    row("a shape larger than its bytes", fileOf(alone(R"("a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), two));
    row("an end beyond the file", fileOf(alone(R"("a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]})"), two));
    row("an end before its begin", fileOf(alone(R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), two));
    row("an overlap", fileOf("{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", two));
    row("a hole", fileOf(alone(R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), two));
    row("bytes at the end that belong to none", fileOf(alone(a), two + "x"));
    row("metadata that is no text", fileOf(R"({"__metadata__":{"n":1}})", ""));
    row("not a number", fileOf(alone(a), floatBytes({1, std::numeric_limits<float>::quiet_NaN()})));
    row("infinity", fileOf(alone(a), floatBytes({std::numeric_limits<float>::infinity(), 1})));
    row("nesting without end", fileOf(std::string(5000, '[') + std::string(5000, ']'), ""));
}

void WeightsFileTest::brokenFilesAreRefused()
{
    QFETCH(QByteArray, bytes);
    QVERIFY(writeFile(path(), bytes.toStdString()));
    const auto read = readWeights(path());
    QVERIFY(!read);
    QCOMPARE(read.error().code, Code::Damaged);
    QVERIFY(read.error().text.ends_with("."));
}

void WeightsFileTest::everyTruncationIsRefused()
{
    QVERIFY(writeWeights(path(), contentOf(tiny(), 7)));
    const std::string whole = *readFile(path());
    for (std::size_t length = 0; length < whole.size(); length += 41) {
        QVERIFY(writeFile(path(), std::string_view(whole).substr(0, length)));
        QVERIFY(!readWeights(path()));
    }
}

void WeightsFileTest::randomDamageNeverCrashes()
{
    QVERIFY(writeWeights(path(), contentOf(tiny(), 7)));
    const std::string whole = *readFile(path());
    Rng rng(9);
    int refused = 0;
    for (int round = 0; round < 200; ++round) {
        std::string damaged = whole;
        for (int i = 0; i < 3; ++i)
            damaged[rng.below(800)] = static_cast<char>(rng.below(256)); // in the header, where structure is
        QVERIFY(writeFile(path(), damaged));
        const auto read = readWeights(path());
        refused += !read || !checkWeights(*read, tiny(), 7) ? 1 : 0;
    }
    QVERIFY(refused > 190);
}

void WeightsFileTest::weightsMustMatchTheirGenome()
{
    const WeightsFile content = contentOf(tiny(), 7);
    QVERIFY(checkWeights(content, tiny(), 7));
    QVERIFY(!checkWeights(content, tiny(), 8));
    Architecture deeper = tiny();
    deeper.layers = 2;
    QVERIFY(!checkWeights(content, deeper, 7));
    WeightsFile more = content;
    const float extra = 1;
    more.add("backdoor", "F32", {1}, &extra);
    QVERIFY(!checkWeights(more, tiny(), 7));
    WeightsFile integers = content;
    const std::vector<std::int64_t> zeros(8, 0);
    integers.add("norm.weight", "I64", {8}, zeros.data());
    QVERIFY(!checkWeights(integers, tiny(), 7));
}

QTEST_GUILESS_MAIN(WeightsFileTest)
#include "tst_weights_file.moc"
