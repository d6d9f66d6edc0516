// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/proxy.h"

#include <algorithm>
#include <cmath>

namespace ratchet {

ProxyItems proxyItems(const Domain& domain, const Genome& genome, const Tokenizer& tokenizer, double budgetFlops)
{
    ProxyItems result;
    const std::string suite = domain.suites().front().name;
    const bool answers = domain.info().measure == Measure::ExactMatch;
    const auto context = static_cast<std::size_t>(genome.architecture.context);
    Rng rng = Rng::stream(0, "proxy");
    std::vector<std::size_t> read;      // tokens of each item that the model is given
    std::size_t longest = 1, completion = 0;
    while (result.items.size() < static_cast<std::size_t>(mostProxyItems)) {
        Item item = domain.draw(suite, Split::Train, rng);
        const Example example = domain.example(item, genome.reasoning);
        const auto prompt = tokenizer.encodePrompt(example.prompt), right = tokenizer.encode(example.completion);
        if (!prompt || !right || (answers && prompt->size() >= context))
            return {};
        read.push_back(answers ? prompt->size() : prompt->size() + right->size());
        longest = std::max(longest, read.back());
        completion = std::max(completion, right->size());
        result.items.push_back(std::move(item));
    }
    const auto forward = [&](std::size_t length) {
        return trainingFlops(genome.architecture, tokenizer.vocabulary(), static_cast<int>(std::min(length, context))).value / 3;
    };
    result.maxTokens = static_cast<int>(completion) + 2;    // as the judge has it: one that does not end is seen to go on
    // A likelihood is measured in windows that overlap by half (Answerer::bitsPerByte).
    const std::size_t whole = answers ? longest + completion + 2 : 2 * longest + context;
    const double perItem = static_cast<double>(whole) * forward(whole);
    const double paid = std::min(static_cast<double>(mostProxyItems), std::floor(budgetFlops * proxyPrice / perItem));
    if (paid < fewestProxyItems)
        return {};
    result.items.resize(static_cast<std::size_t>(paid));
    result.most = perItem * paid;
    for (std::size_t i = 0; i < result.items.size(); ++i)
        result.least += static_cast<double>(read[i]) * forward(1);
    return result;
}

} // namespace ratchet
