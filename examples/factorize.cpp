// SPDX-License-Identifier: MIT
// Futures: results as they come, an exception among them, and a task that takes its process down.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

std::vector<long> factorize(long n) {
  if (n == 4) throw std::invalid_argument("cannot process 4");
  if (n == 6) std::abort();
  std::vector<long> factors;
  for (long d = 2; d * d <= n; ++d) {
    for (; n % d == 0; n /= d) factors.push_back(d);
  }
  if (n > 1) factors.push_back(n);
  return factors;
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::ProcessPoolExecutor executor(4);
  std::unordered_map<brigade::Future<std::vector<long>>, long> inputs;
  std::vector<brigade::Future<std::vector<long>>> futures;
  for (const long n : {2147483647L, 536870911L, 134217727L, 4L, 33554431L, 6L, 987654321L}) {
    futures.push_back(executor.submit(factorize, n));
    inputs[futures.back()] = n;
  }
  std::map<long, std::string> outcomes;
  for (const auto& future : brigade::as_completed(futures)) {
    std::string& outcome = outcomes[inputs[future]];
    try {
      for (const long factor : future.result()) outcome += std::to_string(factor) + " ";
    } catch (const brigade::WorkerDied& death) {
      outcome = "died of signal " + std::to_string(death.signal());
    } catch (const std::invalid_argument& error) {
      outcome = error.what();
    }
    std::printf("%10ld: %s\n", inputs[future], outcome.c_str());
  }
  const bool right = outcomes[2147483647] == "2147483647 " && outcomes[536870911] == "233 1103 2089 " &&
                     outcomes[134217727] == "7 73 262657 " && outcomes[33554431] == "31 601 1801 " &&
                     outcomes[987654321] == "3 3 17 17 379721 " && outcomes[4] == "cannot process 4" &&
                     outcomes[6] == "died of signal 6";
  return right ? 0 : 1;
}
