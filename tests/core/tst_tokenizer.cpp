// SPDX-License-Identifier: GPL-3.0-or-later
// Tokenizers: every text comes back, ids are those of the reference, what is read from JSON is checked.
#include <QTest>

#include <numeric>

#include "core/base/rng.h"
#include "core/genome/tokenizer.h"
#include "core/genome/unicode.h"

using namespace ratchet;

namespace
{

std::string joined(const Tokenizer& tokenizer, const std::vector<std::int64_t>& tokens)
{
    std::string text;
    for (const std::int64_t token : tokens)
        text += tokenizer.decode(token);
    return text;
}

std::string toText(const std::vector<std::string_view>& words)
{
    std::string text;
    for (const std::string_view word : words) {
        text += text.empty() ? "" : "|";
        text += word;
    }
    return text;
}

std::string drawBytes(Rng& rng, std::size_t count)
{
    static const std::string pieces[] = {"the ", "low", "er", "\xc3\xa9", "\xe4\xb8\xad", " ", "\n", "7", "'s", "."};
    std::string text;
    while (text.size() < count)
        text += rng.below(8) == 0 ? std::string(1, static_cast<char>(rng.below(256))) : pieces[rng.below(std::size(pieces))];
    return text;
}

// The textbook's loop: of all neighbours the merge of lowest rank, leftmost first, until none is left.
std::vector<int> mergedSlowly(std::vector<int> symbols, const std::vector<Merge>& merges)
{
    for (bool found = true; found;) {
        found = false;
        for (const Merge& merge : merges) {
            for (std::size_t i = 0; i + 1 < symbols.size() && !found; ++i)
                if (symbols[i] == merge.left && symbols[i + 1] == merge.right) {
                    symbols[i] = merge.joined;
                    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                    found = true;
                }
            if (found)
                break;
        }
    }
    return symbols;
}

BytePairs someParts()
{
    return *Tokenizer::learn({"low lower lowest low low newer newest"}, 300).bytePairs(); // 265 tokens and two special ones
}

} // namespace

class TokenizerTest : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void charactersThereAndBack()
    {
        const Tokenizer digits("0123456789+=");
        QCOMPARE(digits.vocabulary(), 14);
        QCOMPARE(digits.choices(), 13);
        const auto tokens = digits.encode("7+35=");
        QVERIFY(tokens);
        QCOMPARE(joined(digits, *tokens), std::string("7+35="));
        QVERIFY(!digits.encode("7-3"));
        QVERIFY(digits.decode(digits.end()).empty() && digits.decode(digits.pad()).empty() && digits.decode(-1).empty());
        QCOMPARE(vocabularyOf(""), 258);
        QVERIFY(Tokenizer("").encode(std::string("\0\xff", 2)));
        QVERIFY(hashOfJson(Tokenizer("ab").toJson()) != hashOfJson(Tokenizer("ba").toJson()));
        QCOMPARE(*digits.encodePrompt(""), (std::vector<std::int64_t>{digits.end()}));
    }

    void theObjectOfCharactersIsWhatItWas()
    {
        QCOMPARE(Tokenizer("01+").toJson().dump(), std::string(R"({"alphabet":[48,49,43],"end":3,"kind":"bytes","pad":4})"));
    }

    void wordsAreCutAsThePatternsSay_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("gpt2");
        QTest::addColumn<QByteArray>("llama3");
        const auto row = [](const char* name, const char* text, const char* gpt2, const char* llama3) {
            QTest::addRow("%s", name) << QByteArray(text) << QByteArray(gpt2) << QByteArray(llama3);
        };
        row("a space belongs to the word behind it", "Hello world", "Hello| world", "Hello| world");
        row("contractions stand alone", "I'll we've he's I'd", "I|'ll| we|'ve| he|'s| I|'d", "I|'ll| we|'ve| he|'s| I|'d");
        row("capital contractions only for Llama", "IT'S", "IT|'|S", "IT|'S");
        row("an apostrophe in front of other letters", "rock'n'roll", "rock|'|n|'|roll", "rock|'n|'roll");
        row("numbers apart from letters", "abc123", "abc|123", "abc|123");
        row("long numbers in threes for Llama", "12345678", "12345678", "123|456|78");
        row("a space before a number", "a 12", "a| 12", "a| |12");
        row("punctuation in runs", "wait... (what?)", "wait|...| (|what|?)", "wait|...| (|what|?)");
        row("spaces leave the last one to the word", "a   b", "a|  | b", "a|  | b");
        row("spaces at the end stay whole", "a   ", "a|   ", "a|   ");
        row("line ends", "a\n\nb\n", "a|\n|\n|b|\n", "a|\n\n|b|\n");
        row("line ends behind punctuation", "a.\n\nb", "a|.|\n|\n|b", "a|.\n\n|b");
        row("indented lines", "a\n  b", "a|\n | b", "a|\n| | b");
        row("a tab before a letter", "a\tb", "a|\t|b", "a|\tb");
        row("a tab before a number", "\t7", "\t|7", "\t|7");
        row("letters beyond ASCII", "na\xc3\xafve \xd0\xbc\xd0\xb8\xd1\x80 \xe4\xb8\xad\xe6\x96\x87",
            "na\xc3\xafve| \xd0\xbc\xd0\xb8\xd1\x80| \xe4\xb8\xad\xe6\x96\x87",
            "na\xc3\xafve| \xd0\xbc\xd0\xb8\xd1\x80| \xe4\xb8\xad\xe6\x96\x87");
        row("numbers beyond ASCII", "\xc2\xbd\xd9\xa3", "\xc2\xbd\xd9\xa3", "\xc2\xbd\xd9\xa3");
        row("a space that does not break", "a\xc2\xa0" "b", "a|\xc2\xa0|b", "a|\xc2\xa0" "b");
        row("bytes that are no UTF-8", "a\xff\xfe z\xc3", "a|\xff\xfe| z|\xc3", "a|\xff\xfe| z|\xc3");
    }
    void wordsAreCutAsThePatternsSay()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, gpt2);
        QFETCH(QByteArray, llama3);
        const std::string plain = text.toStdString();
        QCOMPARE(QByteArray::fromStdString(toText(wordsOf(plain, WordPattern::Gpt2))), gpt2);
        QCOMPARE(QByteArray::fromStdString(toText(wordsOf(plain, WordPattern::Llama3))), llama3);
    }

    void digitsStandAlone_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("words");
        const auto row = [](const char* name, const char* text, const char* words) { QTest::addRow("%s", name) << QByteArray(text) << QByteArray(words); };
        row("a number", "abc123", "abc|1|2|3");
        row("a space before a number stays behind", "a 12 b", "a| |1|2| b");
        row("spaces before a number stay together", "a   7", "a|   |7");
        row("a contraction behind a number", "the 80's", "the| |8|0|'s");
        row("numbers beyond ASCII", "\xc2\xbd\xd9\xa3", "\xc2\xbd|\xd9\xa3");
        row("no number", "Hello world", "Hello| world");
    }
    void digitsStandAlone()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, words);
        QCOMPARE(QByteArray::fromStdString(toText(wordsOf(text.toStdString(), WordPattern::Gpt2Digits))), words);
    }

    void everyTextIsItsWords()
    {
        Rng rng(3);
        for (int round = 0; round < 500; ++round) {
            const std::string text = drawBytes(rng, rng.below(200));
            for (const auto pattern : {WordPattern::Gpt2, WordPattern::Llama3, WordPattern::Gpt2Digits}) {
                std::string back;
                for (const std::string_view word : wordsOf(text, pattern)) {
                    QVERIFY(!word.empty());
                    back += word;
                }
                QVERIFY(back == text);
            }
        }
    }

    void charactersHaveTheirKind()
    {
        QCOMPARE(kindOf(U'a'), CharacterKind::Letter);
        QCOMPARE(kindOf(0x4e2d), CharacterKind::Letter);
        QCOMPARE(kindOf(0x10fff0), CharacterKind::Other); // private use
        QCOMPARE(kindOf(0x661), CharacterKind::Number);   // Arabic-Indic one
        QCOMPARE(kindOf(0x2028), CharacterKind::Space);
        QCOMPARE(kindOf(0x301), CharacterKind::Other); // a combining accent is a mark, not a letter
        QCOMPARE(characterAt("\xe4\xb8\xad", 0).bytes, std::size_t(3));
        QCOMPARE(characterAt("\xc0\x80", 0).bytes, std::size_t(1)); // overlong
        QCOMPARE(characterAt("\xed\xa0\x80", 0).bytes, std::size_t(1)); // a surrogate
    }

    void mergesAreLearntByCountThenById()
    {
        // Sennrich 2016, figure 1, on words: "l o" and "o w" occur 7 times each; (l, o) has the smaller first id.
        std::string text;
        const auto repeat = [&](const std::string& word, int times) {
            for (int i = 0; i < times; ++i)
                text += word + "\n";
        };
        repeat("low", 5);
        repeat("lower", 2);
        repeat("newest", 6);
        repeat("widest", 3);
        const auto merges = learnMerges({text}, WordPattern::Gpt2, 6);
        const auto bytes = [](const Merge& m) { return std::pair(m.left, m.right); };
        QCOMPARE(merges.size(), std::size_t(6));
        QVERIFY(bytes(merges[0]) == std::pair(int('e'), int('s'))); // 9
        QVERIFY(bytes(merges[1]) == std::pair(256, int('t')));      // 9: es t
        QVERIFY(bytes(merges[2]) == std::pair(int('l'), int('o'))); // 7
        QVERIFY(bytes(merges[3]) == std::pair(258, int('w')));      // 7: lo w
        QVERIFY(bytes(merges[4]) == std::pair(int('e'), int('w'))); // 6
        QVERIFY(bytes(merges[5]) == std::pair(int('n'), 260));      // 6: n ew, before (260, 257) with the larger first id
    }

    void learningDoesNotDependOnTheOrderOfTexts()
    {
        Rng rng(5);
        const std::string a = drawBytes(rng, 3000), b = drawBytes(rng, 3000);
        const Tokenizer one = Tokenizer::learn({a, b}, 300), other = Tokenizer::learn({b, a}, 300);
        QCOMPARE(one.vocabulary(), 300);
        QVERIFY(one.toJson() == other.toJson());
        QCOMPARE(one.end(), 298);
        QCOMPARE(one.pad(), 299);
        QCOMPARE(one.choices(), 299);
    }

    void learningEndsWhenNoPairOccursTwice()
    {
        const Tokenizer tokenizer = Tokenizer::learn({"abcdefg"}, 1000);
        QCOMPARE(tokenizer.vocabulary(), 258);
        QVERIFY(tokenizer.encode("anything \xff"));
    }

    void everyTextComesBack()
    {
        Rng rng(7);
        const std::string text = drawBytes(rng, 20000);
        const Tokenizer tokenizer = Tokenizer::learn({text}, 500);
        std::string all;
        for (int byte = 0; byte < 256; ++byte)
            all += static_cast<char>(byte);
        for (const std::string& one : {text, all, std::string(), std::string(5000, 'a'), drawBytes(rng, 999)}) {
            const auto tokens = tokenizer.encode(one);
            QVERIFY(tokens);
            QVERIFY(joined(tokenizer, *tokens) == one);
        }
        QVERIFY(tokenizer.encode(text)->size() * 2 < text.size());
    }

    void mergingEqualsTheTextbooksLoop()
    {
        Rng rng(11);
        const std::string text = drawBytes(rng, 4000);
        const auto merges = learnMerges({text}, WordPattern::Gpt2, 120);
        MergeTable table(merges);
        MergeTable::Merger merger(table);
        for (int round = 0; round < 300; ++round) {
            std::vector<int> symbols;
            for (const char c : drawBytes(rng, 1 + rng.below(40)))
                symbols.push_back(static_cast<unsigned char>(c));
            QVERIFY(merger.merge(symbols) == mergedSlowly(symbols, merges));
        }
        const std::vector<int> same(301, 'a');
        const std::vector<Merge> doubling{{'a', 'a', 256}, {256, 256, 257}};
        const MergeTable doubles(doubling);
        QVERIFY(MergeTable::Merger(doubles).merge(same) == mergedSlowly(same, doubling));
    }

    void bytesAreWrittenAsGpt2Does()
    {
        QCOMPARE(printableOf(" a\n"), std::string("\xc4\xa0" "a\xc4\x8a")); // "Ġa" and "Ċ"
        std::string all;
        for (int byte = 0; byte < 256; ++byte)
            all += static_cast<char>(byte);
        QVERIFY(bytesOf(printableOf(all)) == all);
        QVERIFY(!bytesOf("\xe4\xb8\xad"));
        QVERIFY(!bytesOf(" ")); // a space is written otherwise
    }

    void theObjectComesBack()
    {
        for (const Tokenizer& tokenizer : {Tokenizer(""), Tokenizer("01+="), *Tokenizer::create(someParts())}) {
            const auto back = Tokenizer::fromJson(Json::parse(tokenizer.toJson().dump()));
            QVERIFY2(back, back ? "" : back.error().text.c_str());
            QVERIFY(back->toJson() == tokenizer.toJson());
        }
        const auto alphabet = tokenizerOf(nullptr, "ab");
        QVERIFY(alphabet && alphabet->vocabulary() == 4);
    }

    void damagedObjectsAreRefused_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("says");
        const Json whole = Tokenizer::create(someParts())->toJson(), characters = Tokenizer("ab").toJson();
        const auto row = [](const char* name, Json json, const char* path, const Json& value, const char* says) {
            json[Json::json_pointer(path)] = value;
            QTest::addRow("%s", name) << QString::fromStdString(json.dump()) << QString::fromUtf8(says);
        };
        row("an unknown kind", whole, "/kind", "unigram", "kind \"unigram\" is not known");
        row("an unknown pattern", whole, "/pattern", "cl100k", "none of gpt2, llama3, gpt2-digits");
        row("an unknown field", whole, "/code", 1, "\"code\" is not known");
        row("an end token that is not special", whole, "/end", 3, "end token 3 is not a special one");
        row("a special token beyond the vocabulary", whole, "/special", Json{265, 266, 999}, "no place in the vocabulary");
        row("a token twice", whole, "/tokens/1", printableOf(std::string(1, '\0')), "token 1 is there twice");
        row("a token without bytes", whole, "/tokens/1", "", "token 1 is empty");
        row("a character that is no byte", whole, "/tokens/1", "\xe4\xb8\xad", "token 1 holds a character");
        row("a merge to nothing", whole, "/merges/0", Json{1, 2}, "merge 0 joins 1 and 2 to something that is no token");
        row("a merge of a special token", whole, "/merges/0", Json{1, 266}, "merge 0 joins");
        row("a byte twice", characters, "/alphabet/1", 97, "byte 97 of its alphabet");
        row("an end that does not follow", characters, "/end", 5, "do not follow");
    }
    void damagedObjectsAreRefused()
    {
        QFETCH(QString, text);
        QFETCH(QString, says);
        const auto read = Tokenizer::fromJson(Json::parse(text.toStdString()));
        QVERIFY(!read);
        QCOMPARE(read.error().code, Code::BadInput);
        QVERIFY2(QString::fromStdString(read.error().text).contains(says), read.error().text.c_str());
    }

    void labelsAreForPeople()
    {
        const Tokenizer tokenizer = *Tokenizer::create(someParts());
        QCOMPARE(tokenizer.label('a'), std::string("a"));
        QCOMPARE(tokenizer.label('\n'), std::string("0a"));
        QCOMPARE(tokenizer.label(0xff), std::string("ff"));
        QCOMPARE(tokenizer.label(tokenizer.end()), std::string("end"));
        QCOMPARE(tokenizer.label(tokenizer.pad()), std::string("pad"));
    }

    void valuesOfBytesAreSpreadOverTokens()
    {
        const Tokenizer tokenizer = *Tokenizer::create(someParts());
        const auto tokens = *tokenizer.encodePrompt("low low");
        std::vector<int> places(7);
        std::iota(places.begin(), places.end(), 0);
        const auto spread = tokenizer.spread(tokens, places);
        QCOMPARE(spread.size(), tokens.size());
        QVERIFY(tokens.size() < 7);
        std::size_t at = 0;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            QCOMPARE(spread[i], static_cast<std::int64_t>(at));
            at += tokenizer.decode(tokens[i]).size();
        }
        QCOMPARE(tokenizer.spread({tokenizer.end(), 'a'}, {4}), (std::vector<std::int64_t>{0, 4}));
    }
};

QTEST_GUILESS_MAIN(TokenizerTest)
#include "tst_tokenizer.moc"
