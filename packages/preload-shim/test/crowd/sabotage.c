// What a preloaded library must not do. The crowd test has to notice each of these.
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef SABOTAGE_THREAD
static void* run(void* nothing) {
  return nothing;
}
#endif

__attribute__((constructor)) static void sabotage(void) {
#if defined(SABOTAGE_OUTPUT)
  if (write(STDERR_FILENO, "!\n", 2) != 2) _exit(99);
#elif defined(SABOTAGE_MOSTLY)
  if (getpid() % 8 != 0 && write(STDERR_FILENO, "!\n", 2) != 2) _exit(99);
#elif defined(SABOTAGE_DESCRIPTOR)
  if (open("/dev/null", O_RDONLY) < 0) _exit(99);
#elif defined(SABOTAGE_THREAD)
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, NULL) == 0) pthread_join(thread, NULL);
#elif defined(SABOTAGE_CHILD)
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
#elif defined(SABOTAGE_EXIT)
  _exit(42);
#endif
}
