// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/corpus.h"

#include <algorithm>
#include <array>
#include <deque>
#include <numeric>
#include <set>

#include <unistd.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/plugin/overlap.h"

namespace ratchet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t leastSection = 1 << 10;
constexpr std::size_t mostSection = 8 << 10;
constexpr std::size_t leastDocuments = 64;
constexpr std::size_t leastBytes = 64 << 10;
constexpr std::size_t leastPart = 256;            // of a judged document that is cut: a piece that the domain text asks
constexpr std::size_t leastJudged = 2 << 10;      // of each split, when what stands in training documents is taken out
constexpr std::size_t leastJudgedLines = 2;
constexpr std::size_t leastPortion = 32 << 20;    // bytes of judged documents that are looked for at once
constexpr std::size_t portions = 64;              // of the training documents' bytes: what is read grows with them, and not with their square
constexpr std::array splitNames{"train", "guide", "gate", "vault"};   // in the order of Split

std::size_t halfOfMemory()
{
    return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 2;
}

// Length of the UTF-8 sequence that starts here (RFC 3629), 0 when there is none.
std::size_t sequenceAt(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(at);
    const std::size_t length = first < 0x80 ? 1 : first >= 0xc2 && first <= 0xdf ? 2 : (first & 0xf0) == 0xe0 ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
    if (length == 0 || at + length > text.size())
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(at + i) & 0xc0) != 0x80)
            return 0;
    if (length > 2) {
        const unsigned char second = byte(at + 1);
        if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90)
            || (first == 0xf4 && second > 0x8f))
            return 0;
    }
    return length;
}

// NUL or bytes that are no UTF-8, anywhere: pieces of the text travel in JSON.
bool isBinary(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const auto length = sequenceAt(text, at);
        if (length == 0 || text[at] == '\0')
            return true;
        at += length;
    }
    return false;
}

bool isBlank(std::string_view line)
{
    return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Sections of 1 to 8 KiB that end at a blank line where there is one, else at a line end, else at 8 KiB.
std::vector<std::string_view> sectionsOf(std::string_view text)
{
    std::vector<std::string_view> sections;
    std::size_t begin = 0, at = 0, lastLine = 0;
    const auto cut = [&](std::size_t end) {
        if (!isBlank(text.substr(begin, end - begin)))
            sections.push_back(text.substr(begin, end - begin));
        begin = lastLine = end;
    };
    while (at < text.size()) {
        const auto newline = text.find('\n', at);
        const auto end = newline == std::string_view::npos ? text.size() : newline + 1;
        while (end - begin > mostSection) {
            std::size_t stop = lastLine > begin ? lastLine : begin + mostSection;
            while (stop < text.size() && stop > begin + 1 && (static_cast<unsigned char>(text[stop]) & 0xc0) == 0x80)
                --stop;
            cut(stop);
        }
        if (isBlank(text.substr(at, end - at)) && end - begin >= leastSection)
            cut(end);
        else
            lastLine = end;
        at = end;
    }
    cut(text.size());
    return sections;
}

struct Source {
    std::vector<std::string> texts;
    std::size_t bytes = 0, skipped = 0;
};

Error tooLarge(const fs::path& source)
{
    return {Code::Environment, fmt::format("{} is larger than half of this machine's memory.", source.string()),
            "Name a part of it."};
}

Result<Source> readFolder(const fs::path& folder)
{
    std::error_code error;
    std::vector<fs::path> files;
    if (const fs::directory_iterator probe(folder, error); error)      // below, folders that may not be entered are skipped
        return fail(Code::Environment, fmt::format("The folder {} cannot be read: {}.", folder.string(), error.message()),
                    "Check its permissions.");
    for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end; it != end && !error;
         it.increment(error)) {
        const bool hidden = it->path().filename().string().front() == '.';
        if (hidden && it->is_directory(error))
            it.disable_recursion_pending();
        else if (!hidden && it->is_regular_file(error))
            files.push_back(it->path());
    }
    if (error)
        return fail(Code::Environment, fmt::format("The folder {} cannot be read: {}.", folder.string(), error.message()),
                    "Check its permissions.");
    std::sort(files.begin(), files.end());
    Source source;
    for (const auto& file : files) {
        const auto size = fs::file_size(file, error);
        if (!error && source.bytes + size > halfOfMemory())
            return tl::unexpected(tooLarge(folder));
        auto text = readFile(file);
        if (!text || isBlank(*text) || isBinary(*text)) {
            ++source.skipped;
            continue;
        }
        source.bytes += text->size();
        source.texts.push_back(std::move(*text));
    }
    if (source.texts.empty())
        return fail(Code::BadInput, fmt::format("The folder {} holds no text files.", folder.string()),
                    "Name a folder of UTF-8 text.");
    return source;
}

Result<Source> readOne(const fs::path& file)
{
    std::error_code error;
    if (fs::file_size(file, error) > halfOfMemory() && !error)
        return tl::unexpected(tooLarge(file));
    RATCHET_TRY(text, readFile(file));
    if (isBlank(text))
        return fail(Code::BadInput, fmt::format("{} is empty.", file.string()), "Name a text with something in it.");
    if (isBinary(text))
        return fail(Code::BadInput, fmt::format("{} is binary, not UTF-8 text.", file.string()),
                    "Convert it to UTF-8 text first, for example with iconv.");
    if (std::string_view(text).substr(0, text.size() - 1).find('\n') == std::string_view::npos)
        return fail(Code::BadInput, fmt::format("{} is a single line, so it cannot be split into documents.", file.string()),
                    "Break the text into lines and paragraphs.");
    Source source;
    source.bytes = text.size();
    source.texts.push_back(std::move(text));
    return source;
}

using Splits = std::array<std::vector<std::string_view>, 4>;      // in the order of Split

// By rank of their hash: 1/16 vault, 1/16 guide, 1/8 gate, the rest to train on; each at least one, in that order.
Splits splitByHash(std::vector<std::pair<Hash, std::string_view>> documents)
{
    std::sort(documents.begin(), documents.end());
    Splits splits;
    const std::size_t count = documents.size();
    for (std::size_t i = 0; i < count; ++i) {
        const Split split = i < count / 16 ? Split::Vault : i < count / 8 ? Split::Guide : i < count / 4 ? Split::Gate : Split::Train;
        splits[static_cast<std::size_t>(split)].push_back(documents[i].second);
    }
    return splits;
}

std::size_t bytesOf(const std::vector<std::string_view>& documents)
{
    return std::accumulate(documents.begin(), documents.end(), std::size_t(0), [](std::size_t sum, std::string_view document) { return sum + document.size(); });
}

// What may be judged of a document by what `overlap`, which heard it as its index-th text, found of it in training documents.
std::vector<std::string_view> clearOf(std::string_view document, const Overlap& overlap, std::size_t index, CorpusUse use)
{
    if (!overlap.isLeaked(index))
        return {document};
    std::vector<std::string_view> parts;
    if (use == CorpusUse::Text)
        parts = overlap.clearParts(document);
    std::erase_if(parts, [](std::string_view part) { return part.size() < leastPart; });
    return parts;
}

// Takes out of the documents that are judged what stands in those that are trained on; out of the gate's and the vault's also what stands in
// the guide's, whose failures are replayed. In portions, as an index of all their n-grams would be many times their size.
void clearJudged(Splits& splits, CorpusUse use)
{
    const bool text = use == CorpusUse::Text;
    std::vector<std::string_view> trained;
    std::deque<std::string> asked;
    const auto train = [&](const std::vector<std::string_view>& documents) {
        for (const std::string_view document : documents)
            trained.push_back(text ? document : asked.emplace_back(questionIn(document)));
    };
    train(splits[static_cast<std::size_t>(Split::Train)]);
    const std::size_t portion = std::max(leastPortion, bytesOf(trained) / portions);
    for (const Split split : {Split::Guide, Split::Gate, Split::Vault}) {
        std::vector<std::string_view>& documents = splits[static_cast<std::size_t>(split)];
        std::vector<std::string_view> clear;
        for (std::size_t first = 0; first < documents.size();) {
            Overlap overlap(text ? Overlap::passages : Overlap::questions);
            std::size_t last = first;
            for (std::size_t bytes = 0; last < documents.size() && bytes < portion; bytes += documents[last++].size())
                overlap.addJudged(text ? documents[last] : questionIn(documents[last]));
            for (const std::string_view document : trained)
                overlap.addTrained(document);
            for (std::size_t i = first; i < last; ++i) {
                const auto parts = clearOf(documents[i], overlap, i - first, use);
                clear.insert(clear.end(), parts.begin(), parts.end());
            }
            first = last;
        }
        documents = std::move(clear);
        if (split == Split::Guide)
            train(documents);
    }
}

// Separated by NUL.
std::string joined(const std::vector<std::string_view>& documents)
{
    std::string text;
    for (const std::string_view document : documents) {
        if (!text.empty())
            text += '\0';
        text += document;
    }
    return text;
}

// Every line that is not blank; BadInput naming the first that is no JSON object.
Result<std::vector<std::string_view>> linesOf(std::string_view text, const fs::path& file)
{
    std::vector<std::string_view> lines;
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const auto line = text.substr(at, end - at);
        at = end + 1;
        ++number;
        if (isBlank(line))
            continue;
        const auto json = parseJson(line, fmt::format("line {} of {}", number, file.string()));
        if (!json)
            return passOn(json);
        if (!json->is_object())
            return fail(Code::BadInput, fmt::format("Line {} of {} is no JSON object.", number, file.string()),
                        R"(Write one object a line: {"question": "...", "answer": "..."}.)");
        lines.push_back(line);
    }
    return lines;
}

// By the question, so that one question with two answers is not trained on and judged by.
std::vector<std::pair<Hash, std::string_view>> distinct(const std::vector<std::string_view>& lines)
{
    std::vector<std::pair<Hash, std::string_view>> documents;
    std::set<std::string> seen;
    for (const auto line : lines)
        if (auto hash = hashOf(questionIn(line)); seen.insert(hash.hex).second)
            documents.emplace_back(std::move(hash), line);
    return documents;
}

std::vector<std::pair<Hash, std::string_view>> distinctDocuments(const Source& source)
{
    std::vector<std::pair<Hash, std::string_view>> documents;
    std::set<std::string> seen;
    const auto add = [&](std::string_view document) {
        if (Overlap::lengthOf(document) < Overlap::passages.gram)      // says too little to be told from others
            return;
        if (auto hash = hashOf(document); seen.insert(hash.hex).second)
            documents.emplace_back(std::move(hash), document);
    };
    for (const auto& text : source.texts) {
        if (source.texts.size() >= leastDocuments)
            add(text);
        else
            for (const auto section : sectionsOf(text))
                add(section);
    }
    return documents;
}

// Whether so much is left of a split that it can be judged by.
Status keepsEnough(const fs::path& source, Split split, const Splits& whole, const Splits& clear, CorpusUse use)
{
    const auto& before = whole[static_cast<std::size_t>(split)];
    const auto& after = clear[static_cast<std::size_t>(split)];
    if (use == CorpusUse::Lines ? after.size() >= leastJudgedLines : bytesOf(after) >= leastJudged)
        return {};
    const std::string figures = use == CorpusUse::Lines ? fmt::format("of {} lines {} are", before.size(), after.size())
                                                        : fmt::format("of {} bytes {} are", bytesOf(before), bytesOf(after));
    return fail(Code::BadInput, fmt::format("{} repeats itself, so that too little can be judged by: {} left for the {} when what is trained on, too, is taken out.",
                                            source.string(), figures, splitNames[static_cast<std::size_t>(split)]),
                "Leave out copies, near copies and boilerplate, or name a longer text.");
}

} // namespace

std::string questionIn(std::string_view line)
{
    const Json json = Json::parse(line, nullptr, false);
    const bool asks = json.is_object() && json.contains("question") && json["question"].is_string();
    return asks ? json["question"].get<std::string>() : std::string(line);
}

Result<CorpusSummary> importCorpus(const fs::path& source, const fs::path& folder, CorpusUse use)
{
    std::error_code error;
    const auto status = fs::status(source, error);
    if (!fs::exists(status))
        return status.type() == fs::file_type::none
                   ? fail(Code::Environment, fmt::format("{} cannot be read: {}.", source.string(), error.message()), "Check its permissions.")
                   : fail(Code::NotFound, fmt::format("There is no file or folder {}.", source.string()), "Check the path.");
    if (!fs::is_directory(status) && !fs::is_regular_file(status))
        return fail(Code::BadInput, fmt::format("{} is neither a file nor a folder.", source.string()), "Name a text file or a folder.");
    RATCHET_TRY(read, fs::is_directory(status) ? readFolder(source) : readOne(source));
    std::vector<std::pair<Hash, std::string_view>> documents;
    if (use == CorpusUse::Lines) {
        if (read.texts.size() != 1)
            return fail(Code::BadInput, fmt::format("{} is a folder; one file of JSON lines is needed.", source.string()), "Name the file.");
        RATCHET_TRY(lines, linesOf(read.texts.front(), source));
        documents = distinct(lines);
    } else {
        documents = distinctDocuments(read);
    }
    CorpusSummary summary{documents.size(), 0, read.skipped, 0};
    for (const auto& document : documents)
        summary.bytes += document.second.size();
    const std::size_t enough = use == CorpusUse::Lines ? 0 : leastBytes;
    if (summary.documents < leastDocuments || summary.bytes < enough)
        return fail(Code::BadInput, fmt::format("{} is too small: {} different documents with {} bytes, at least {} and {} are needed.",
                                                source.string(), summary.documents, summary.bytes, leastDocuments, enough),
                    "Name a longer text, or one with blank lines between its sections.");
    Splits splits = splitByHash(documents);
    const auto whole = splits;
    clearJudged(splits, use);
    for (const Split split : {Split::Guide, Split::Gate, Split::Vault})
        RATCHET_CHECK(keepsEnough(source, split, whole, splits, use));
    for (std::size_t i = 0; i < splits.size(); ++i)
        summary.leftOut += bytesOf(whole[i]) - bytesOf(splits[i]);
    RATCHET_CHECK(makeFolder(folder));
    Json files = Json::object();
    for (std::size_t i = 0; i < splits.size(); ++i) {
        const std::string text = joined(splits[i]);
        RATCHET_CHECK(writeFile(folder / (std::string(splitNames[i]) + ".txt"), text));
        files[splitNames[i]] = hashOf(text).hex;
    }
    const Json about{{"source", source.string()}, {"documents", summary.documents}, {"bytes", summary.bytes},
                     {"skippedFiles", summary.skippedFiles}, {"leftOut", summary.leftOut}, {"files", files}};
    RATCHET_CHECK(writeFile(folder / "corpus.json", about.dump(1) + "\n"));
    return summary;
}

namespace {

Result<Json> descriptionIn(const fs::path& folder)
{
    RATCHET_TRY(about, readFile(folder / "corpus.json"));
    return parseJson(about, "the corpus description");
}

} // namespace

Result<CorpusSummary> corpusSummary(const fs::path& folder)
{
    RATCHET_TRY(json, descriptionIn(folder));
    CorpusSummary summary;
    RATCHET_CHECK(Fields(json, "the corpus description").read("documents", summary.documents).read("bytes", summary.bytes)
                      .read("skippedFiles", summary.skippedFiles).readIf("leftOut", summary.leftOut).status());
    return summary;
}

Result<Corpus> Corpus::open(const fs::path& folder)
{
    RATCHET_TRY(json, descriptionIn(folder));
    std::map<std::string, std::string> hashes;
    RATCHET_CHECK(Fields(json, "the corpus description").read("files", hashes).status());
    Corpus corpus;
    for (const char* name : splitNames) {
        const fs::path file = folder / (std::string(name) + ".txt");
        if (std::error_code ignored; !fs::exists(file, ignored)) {
            corpus.m_texts.emplace_back();
            continue;
        }
        RATCHET_TRY(text, readFile(file));
        if (hashOf(text).hex != hashes[name])
            return fail(Code::Damaged, fmt::format("The corpus file {}.txt was changed after it was imported.", name),
                        "Make a new lab from the original text.");
        corpus.m_texts.push_back(std::move(text));
    }
    for (const auto& text : corpus.m_texts) {
        auto& documents = corpus.m_documents.emplace_back();
        for (std::size_t at = 0; !text.empty() && at <= text.size();) {
            const auto end = std::min(text.find('\0', at), text.size());
            documents.push_back(std::string_view(text).substr(at, end - at));
            at = end + 1;
        }
    }
    return corpus;
}

const std::vector<std::string_view>& Corpus::documents(Split split) const
{
    return m_documents[static_cast<std::size_t>(split)];
}

} // namespace ratchet
