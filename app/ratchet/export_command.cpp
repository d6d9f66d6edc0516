// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet export: a version as a folder that Hugging Face's tools read.
#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/genome/hugging_face.h"

namespace ratchet {
namespace {

struct ExportOptions {
    std::string folder, version, target;
    bool json = false;
};

Result<Json> objectOf(const ObjectStore& objects, const Hash& hash, const std::string& what)
{
    RATCHET_TRY(text, objects.get(hash));
    return parseJson(text, what);
}

Result<int> exportVersion(const ExportOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(version, lab.store->findVersion(options.version));
    const ObjectStore objects(lab.paths.objects());
    RATCHET_TRY(genomeJson, objectOf(objects, version.genome, "the genome of version " + version.hash.brief()));
    RATCHET_TRY(genome, Genome::fromJson(genomeJson));
    if (genome.recipe.isEnsemble())
        return fail(Code::Refused, fmt::format("Version {} is an ensemble of {} models; a Hugging Face folder holds one.", version.hash.brief(),
                                               genome.models().size()),
                    "Export its members, which /recipe/members of its genome names, or a student taught by it.");
    RATCHET_TRY(tokenizerJson, objectOf(objects, version.tokenizer, "the tokenizer of version " + version.hash.brief()));
    RATCHET_TRY(tokenizer, Tokenizer::fromJson(tokenizerJson));
    RATCHET_CHECK(objects.verify(version.weights));
    RATCHET_TRY(weights, readWeights(objects.path(version.weights)));
    RATCHET_CHECK(exportHuggingFace(options.target, genome.architecture, tokenizer, weights));
    if (options.json)
        printJson({{"version", version.hash.hex}, {"folder", options.target}, {"parameters", version.parameters}});
    else
        fmt::print("Wrote version {} to {}: config.json, tokenizer.json, model.safetensors.\n", version.hash.brief(), options.target);
    return 0;
}

} // namespace

void addExportCommand(Commands& commands)
{
    const auto options = std::make_shared<ExportOptions>();
    CLI::App* command = commands.add("export", "Write a version as a folder that Hugging Face's tools read",
                                     [options] { return exportVersion(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_option("VERSION", options->version, "Its hash, or the first digits of it (at least 4)")
        ->type_name("")
        ->required();
    command->add_option("--huggingface", options->target, "Folder to write; must not exist or be empty")
        ->type_name("FOLDER")
        ->required();
    command->add_flag("--json", options->json, "Print JSON");
}

} // namespace ratchet
