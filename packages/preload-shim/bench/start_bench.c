// Starts a program many times and prints how many microseconds of processor time one start takes:
//   start_bench COUNT PROGRAM
// The words of START_BENCH are the program's environment; none of it is this one's.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

// Of processors, used by children that have ended: what others do on the machine hardly counts.
static double microseconds(void) {
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static int start(char* program, char** environment) {
  char* arguments[] = {program, NULL};
  pid_t process = 0;
  int status = -1;
  if (posix_spawn(&process, program, NULL, NULL, arguments, environment) != 0) return -1;
  return waitpid(process, &status, 0) == process ? status : -1;
}

int main(int count, char** arguments) {
  enum { MOST = 16 };
  char* environment[MOST + 1];
  size_t used = 0;
  if (count != 3) {
    (void)fprintf(stderr, "usage: start_bench COUNT PROGRAM\n");
    return 2;
  }
  char* words = getenv("START_BENCH");
  for (char* word = words == NULL ? NULL : strtok(words, " "); word != NULL && used < MOST;
       word = strtok(NULL, " "))
    environment[used++] = word;
  environment[used] = NULL;
  const long starts = strtol(arguments[1], NULL, 10);
  const double began = microseconds();
  for (long i = 0; i < starts; ++i) {
    if (start(arguments[2], environment) != 0) {
      (void)fprintf(stderr, "%s failed\n", arguments[2]);
      return 1;
    }
  }
  printf("%.2f\n", (microseconds() - began) / (double)starts);
  return 0;
}
