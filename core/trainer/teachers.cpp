// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/trainer/teachers.h"

#include <algorithm>

#include "core/model/compat.h"

namespace ratchet
{

Status areNamed(const std::vector<Artifact>& artifacts, const std::vector<std::string>& names, const char* role)
{
    const auto isNamed = [](const Artifact& artifact, const std::string& name) { return artifact.version == name; };
    if (std::equal(artifacts.begin(), artifacts.end(), names.begin(), names.end(), isNamed))
        return {};
    return fail(Code::BadInput, fmt::format("The genome names {} {}, but other versions were brought.", names.size(), role));
}

Result<Teachers> Teachers::load(const TrainSpec& spec, const Genome& student, int vocabulary, const Placement& placement)
{
    if (!student.recipe.teachers.empty())
        RATCHET_CHECK(areNamed(spec.teachers, student.recipe.teachers, "teachers"));
    std::vector<Artifact> artifacts = spec.teachers;
    if (artifacts.empty() && !spec.parentWeights.empty())
        artifacts.push_back({"the parent", spec.parentGenome, spec.parentWeights});
    if (artifacts.empty())
        return fail(Code::BadInput, "The recipe distils, but there is neither a parent nor a teacher.",
                    "Set /recipe/distillation to 0 for a seed model.");
    Teachers teachers;
    for (const Artifact& artifact : artifacts) {
        RATCHET_TRY(genome, Genome::fromJson(artifact.genome));
        if (genome.reasoning.format != student.reasoning.format)
            return fail(Code::BadInput,
                        fmt::format("The teacher {} writes answers in the format \"{}\", the student in \"{}\".",
                                    artifact.version, genome.reasoning.format, student.reasoning.format),
                        "Keep /reasoning/format when distilling.");
        RATCHET_TRY(file, readWeights(artifact.weights));
        teachers.m_models.emplace_back(genome, vocabulary);
        RATCHET_CHECK(teachers.m_models.back().load(file));
        teachers.m_models.back().place(placement);
    }
    return teachers;
}

at::Tensor Teachers::probabilities(const Batch& batch, const at::Tensor& places, double temperature) const
{
    const at::NoGradGuard noGradient;
    at::Tensor mean;
    for (const Ensemble& model : m_models) {
        const at::Tensor logits =
            model.forward(batch.inputs, batch.positions).view({-1, model.vocabulary()}).index_select(0, places);
        const at::Tensor probabilities = at::softmax(logits / temperature, -1);
        mean = mean.defined() ? mean + probabilities : probabilities;
    }
    return m_models.size() > 1 ? mean / static_cast<double>(m_models.size()) : mean;
}

std::vector<Architecture> Teachers::architectures() const
{
    std::vector<Architecture> list;
    for (const Ensemble& model : m_models)
        for (const Architecture& one : model.genome().models())
            list.push_back(one);
    return list;
}

bool Teachers::areCoupled() const
{
    for (const Ensemble& model : m_models)
        if (model.genome().architecture.positions == "coupled")
            return true;
    return false;
}

Status Teachers::fit(int length) const
{
    for (const Ensemble& model : m_models)
        if (model.genome().architecture.context < length)
            return fail(Code::BadInput,
                        fmt::format("A teacher reads {} tokens, but the batches have rows of {}.",
                                    model.genome().architecture.context, length),
                        "Choose teachers with a longer context or an easier mixture.");
    return {};
}

} // namespace ratchet
