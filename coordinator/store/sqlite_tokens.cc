// What lets machines and people in.
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {

void SqliteStore::PutToken(const TokenRow& token) {
  std::optional<int64_t> expire_ms;
  if (token.expire_time) expire_ms = ToMs(*token.expire_time);
  database_->Run(
      "INSERT INTO tokens (token_id, secret_hash, scope, worker_id, name, "
      "create_ms, expire_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
      token.token_id, token.secret_hash, token.scope, token.worker_id,
      token.name, ToMs(token.create_time), expire_ms);
}

bool SqliteStore::RevokeToken(const std::string& token_id) {
  database_->Run("UPDATE tokens SET revoked = 1 WHERE token_id = ?", token_id);
  Query query(*database_, "SELECT 1 FROM tokens WHERE token_id = ?", token_id);
  return query.Next();
}

std::vector<TokenRow> SqliteStore::ListTokens() {
  Query query(*database_,
              "SELECT token_id, secret_hash, scope, worker_id, name, "
              "create_ms, expire_ms, revoked FROM tokens ORDER BY number DESC");
  std::vector<TokenRow> tokens;
  while (query.Next()) {
    TokenRow& row =
        tokens.emplace_back(TokenRow{.token_id = query.Text(0),
                                     .secret_hash = query.Text(1),
                                     .scope = query.Text(2),
                                     .worker_id = query.Text(3),
                                     .name = query.Text(4),
                                     .create_time = FromMs(query.Int(5)),
                                     .revoked = query.Int(7) != 0});
    if (!query.IsNull(6)) row.expire_time = FromMs(query.Int(6));
  }
  return tokens;
}

}  // namespace dfsweep::coordinator
