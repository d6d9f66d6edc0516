// SPDX-License-Identifier: GPL-3.0-or-later
// Turns a text that the user names into the lab's corpus: documents split for training, guide, gate and vault by the hash
// of each document, so that no judged byte is ever trained on, nor anything that stands in a training document as well.
// Blocking; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/plugin/domain.h"

namespace ratchet {

struct CorpusSummary { std::size_t documents = 0, bytes = 0, skippedFiles = 0, leftOut = 0; };      // leftOut: bytes of judged documents

// Reads a file or a folder of text files (hidden and binary ones are skipped); fewer than 64 files are cut into documents at
// blank lines (sections of 1 to 8 KiB). Documents go to a split by the rank of their hash: 1/16 vault, 1/16 guide, 1/8 gate.
// Exact duplicates are dropped, and files of fewer letters and digits than an n-gram has. From the judged documents whatever shares
// an n-gram with a training document is cut out (Overlap::passages), from those of gate and vault also what they share with the guide's,
// whose failures are replayed, and of what is left pieces below 256 bytes: no text that is judged has an n-gram in common with one that
// is trained on. Writes LAB corpus folder: one file per split
// (train.txt, guide.txt, gate.txt, vault.txt) with documents separated by a 0x00 byte, and corpus.json.
// CorpusUse::Lines: a file of one JSON object a line; every line that is not blank is a document, checked to be JSON (what
// is in it is the domain's business), and 64 of them are enough whatever their size. A judged line goes when four fifths of its
// question's n-grams stand in the questions of those lines (Overlap::questions), as templates share the rest.
// Errors name the cause: missing, empty, binary (NUL bytes or invalid UTF-8), a single line, unreadable,
// too small to split (fewer than 64 documents or 64 KiB), larger than half of memory, so repetitive that of guide, gate or vault
// fewer than 2 KiB or 2 lines are left.
[[nodiscard]] Result<CorpusSummary> importCorpus(const std::filesystem::path& source, const std::filesystem::path& folder,
                                                 CorpusUse use = CorpusUse::Text);

// What a line of JSON asks, as its readers are asked it, without escapes; the line itself where it has no question.
[[nodiscard]] std::string questionIn(std::string_view line);

// What an import found, as it stands in the corpus folder.
[[nodiscard]] Result<CorpusSummary> corpusSummary(const std::filesystem::path& folder);

// A split whose file is not there has no documents: a worker is not shown the gate's and the vault's.
class Corpus {
public:
    Corpus(Corpus&&) = default;                   // views keep pointing into the moved texts
    Corpus& operator=(Corpus&&) = default;
    // Damaged when a file does not match the hash taken at import.
    [[nodiscard]] static Result<Corpus> open(const std::filesystem::path& folder);
    [[nodiscard]] const std::vector<std::string_view>& documents(Split split) const;   // views live as long as the Corpus
private:
    Corpus() = default;
    std::vector<std::string> m_texts;
    std::vector<std::vector<std::string_view>> m_documents;
};

} // namespace ratchet
