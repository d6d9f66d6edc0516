// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/guard/runpath.h"

#include <cstring>
#include <elf.h>
#include <optional>

#include "core/base/file.h"

namespace ratchet {
namespace {

class ElfFile {
public:
    explicit ElfFile(std::string bytes) : m_bytes(std::move(bytes)) {}

    std::string runpath() const
    {
        const auto header = at<Elf64_Ehdr>(0);
        if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64)
            return {};
        for (unsigned i = 0; i < header->e_phnum; ++i) {
            const auto segment = at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
            if (segment && segment->p_type == PT_DYNAMIC)
                return runpathIn(*header, *segment);
        }
        return {};
    }

private:
    template <typename T> std::optional<T> at(std::uint64_t offset) const
    {
        if (offset > m_bytes.size() || m_bytes.size() - offset < sizeof(T))
            return {};
        T value;
        std::memcpy(&value, m_bytes.data() + offset, sizeof value);
        return value;
    }
    std::string runpathIn(const Elf64_Ehdr& header, const Elf64_Phdr& dynamic) const
    {
        std::uint64_t strings = 0;
        std::optional<std::uint64_t> name;
        for (std::uint64_t offset = 0; offset < dynamic.p_filesz; offset += sizeof(Elf64_Dyn)) {
            const auto entry = at<Elf64_Dyn>(dynamic.p_offset + offset);
            if (!entry || entry->d_tag == DT_NULL)
                break;
            if (entry->d_tag == DT_STRTAB)
                strings = fileOffset(header, entry->d_un.d_ptr);
            else if (entry->d_tag == DT_RUNPATH || entry->d_tag == DT_RPATH)
                name = entry->d_un.d_val;
        }
        if (!name || strings == 0 || strings + *name >= m_bytes.size())
            return {};
        const std::string_view rest = std::string_view(m_bytes).substr(strings + *name);
        return std::string(rest.substr(0, rest.find('\0')));
    }
    std::uint64_t fileOffset(const Elf64_Ehdr& header, std::uint64_t address) const
    {
        for (unsigned i = 0; i < header.e_phnum; ++i) {
            const auto segment = at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
            if (segment && segment->p_type == PT_LOAD && address >= segment->p_vaddr
                && address - segment->p_vaddr < segment->p_filesz)
                return address - segment->p_vaddr + segment->p_offset;
        }
        return 0;
    }

    std::string m_bytes;
};

} // namespace

std::vector<std::filesystem::path> runpathOf(const std::filesystem::path& program)
{
    const auto bytes = readFile(program, std::size_t(1) << 28);
    if (!bytes)
        return {};
    std::vector<std::filesystem::path> folders;
    std::string paths = ElfFile(*bytes).runpath();
    while (!paths.empty()) {
        std::string folder = paths.substr(0, paths.find(':'));
        paths.erase(0, folder.size() + 1);
        for (const char* origin : {"$ORIGIN", "${ORIGIN}"})
            if (const auto found = folder.find(origin); found != std::string::npos)
                folder.replace(found, std::strlen(origin), program.parent_path().string());
        std::error_code error;
        if (std::filesystem::is_directory(folder, error))
            folders.push_back(std::filesystem::path(folder).lexically_normal());
    }
    return folders;
}

} // namespace ratchet
