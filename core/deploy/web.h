// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of the server without its sockets: who may ask, what a request must hold, what an answer looks like.
// Shaped after the OpenAI completions interface, so that common clients work. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/launch/messages.h"

namespace ratchet {

struct WebRequest {
    std::string method, target;                  // "POST", "/v1/completions"
    std::vector<std::string> hosts, origins, authorizations, contentTypes;   // as often as the header was sent
    std::string body;
};

struct WebAnswer {
    int status = 200;
    Json body;
    std::map<std::string, std::string> headers;
};

// {"error": {"message", "type", "code"}}.
[[nodiscard]] WebAnswer webError(int status, const std::string& code, const std::string& sentence);
[[nodiscard]] WebAnswer webError(const Error& error);

// Only the machine itself (exact Host), never a page of another site (any foreign Origin, whatever the method), only with
// the token (compared in constant time; /healthz needs none). Empty when the request may go on; else the answer to give:
// 400, 401, 403, 404, 405 or 415.
[[nodiscard]] std::optional<WebAnswer> refusal(const WebRequest& request, int port, const std::string& token);

struct CompletionRequest {
    std::string model = "champion";              // or the live version's hash, or its first ten digits
    std::string prompt;
    int maxTokens = 64;                          // 1 .. 4096
    double temperature = 0;                      // 0 .. 2
    bool stream = false;
    std::uint64_t seed = 0;
    double topP = 1;                             // above 0 .. 1, and
    int topK = 0;                                // 0 .. 1e6, as AnswerOptions
    std::vector<std::string> stop;               // at most 4, none of them empty
};
// Fields it does not know are refused rather than silently ignored.
[[nodiscard]] Result<CompletionRequest> completionRequest(const std::string& body);
// `live`: version when the request names none.
[[nodiscard]] Result<FeedbackGiven> feedbackRequest(const std::string& body, const std::string& live);
[[nodiscard]] bool namesVersion(const std::string& model, const std::string& version);

[[nodiscard]] bool equalInConstantTime(const std::string& left, const std::string& right);

} // namespace ratchet
