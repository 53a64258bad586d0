// SPDX-License-Identifier: MIT
// A connection cannot travel, so each worker opens its own, once, before its first task.
#include <brigade/brigade.hpp>

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>

using Row = std::map<std::string, std::string>;

struct Close {
  void operator()(sqlite3* database) const { ::sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};

std::unique_ptr<sqlite3, Close> database;  // the connection of this process

void check(bool good) {
  if (!good) throw std::runtime_error(::sqlite3_errmsg(database.get()));
}

void open_database(const std::string& path) {
  sqlite3* opened = nullptr;
  const int code = ::sqlite3_open(path.c_str(), &opened);
  database.reset(opened);
  check(code == SQLITE_OK);
  ::sqlite3_busy_timeout(opened, 10'000);  // milliseconds, while another process writes
}

void execute(const char* sql) { check(::sqlite3_exec(database.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK); }

// The first row of the answer, an empty one if there is none.
Row query(const std::string& sql) {
  sqlite3_stmt* prepared = nullptr;
  check(::sqlite3_prepare_v2(database.get(), sql.c_str(), -1, &prepared, nullptr) == SQLITE_OK);
  const std::unique_ptr<sqlite3_stmt, Close> statement(prepared);
  const int code = ::sqlite3_step(prepared);
  check(code == SQLITE_ROW || code == SQLITE_DONE);
  Row row;
  for (int i = 0; i < ::sqlite3_data_count(prepared); ++i) {
    const auto* const text = ::sqlite3_column_text(prepared, i);
    row[::sqlite3_column_name(prepared, i)] = text == nullptr ? "" : reinterpret_cast<const char*>(text);
  }
  return row;
}

// The initializer, which leaves a note that it has run.
void set_up_worker(const std::string& path) {
  open_database(path);
  execute("INSERT INTO connections DEFAULT VALUES");
}

Row find_user(int id) { return query("SELECT id, name FROM users WHERE id = " + std::to_string(id)); }

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  const auto path = std::filesystem::temp_directory_path() / ("brigade_users_" + std::to_string(::getpid()) + ".db");
  open_database(path);
  execute("CREATE TABLE connections (id INTEGER PRIMARY KEY)");
  execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)");
  execute("INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Alan')");

  {
    brigade::Pool pool({.processes = 4, .initializer = brigade::partial(set_up_worker, path.string())});
    const brigade::Results<Row> rows = pool.map(find_user, std::views::iota(1, 101), 1);
    for (const Row& row : rows) {
      if (!row.empty()) std::printf("%s: %s\n", row.at("id").c_str(), row.at("name").c_str());
    }
    std::printf("%zu results, %td of them empty\n", rows.size(), std::ranges::count_if(rows, &Row::empty));
  }
  std::printf("by %s connections\n", query("SELECT count(*) AS number FROM connections").at("number").c_str());
  std::filesystem::remove(path);
}
