// SPDX-License-Identifier: MIT
// A member function on an object that is only pointed to.
// expect: brigade: a raw pointer cannot travel
// expect: Account*
#include <brigade/process.hpp>

struct Account {
  int balance;
  int after(int amount) const { return balance + amount; }
};

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  Account account{1};
  brigade::Process process(&Account::after, &account, 2);
#else
  Account account{1};
  brigade::Process process(&Account::after, account, 2);
#endif
}
