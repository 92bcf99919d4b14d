/* Prints the median time, in microseconds, that each of two commands takes from posix_spawn to its end.
 *
 *     startup COUNT PROGRAM-ONE PROGRAM-TWO
 *
 * Both get '--version'. They take turns, so that whatever else the computer does meets both alike, and go before all
 * other processes where that is allowed, so that what is measured is not how busy it is. A shell would measure mostly
 * how long it takes to fork itself.
 */
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static int by_size(const void *left, const void *right) {
    long difference = *(const long *)left - *(const long *)right;
    return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int count = atoi(argv[1]);
    struct sched_param first = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    if (sched_setscheduler(0, SCHED_FIFO, &first) != 0) fputs("startup: other processes may be in the way\n", stderr);
    posix_spawn_file_actions_t silent;
    posix_spawn_file_actions_init(&silent);
    posix_spawn_file_actions_addopen(&silent, 1, "/dev/null", O_WRONLY, 0);
    long *took[2] = {calloc(count, sizeof(long)), calloc(count, sizeof(long))};
    for (int turn = 0; turn < 2 * count; turn++) {
        char *command[] = {argv[2 + turn % 2], "--version", NULL}, *nothing[] = {NULL};
        int status = 1;
        pid_t child;
        long start = now();
        if (posix_spawn(&child, command[0], &silent, NULL, command, nothing) != 0) return 1;
        waitpid(child, &status, 0);
        if (status != 0) return 1;
        took[turn % 2][turn / 2] = now() - start;
    }
    for (int one = 0; one < 2; one++) {
        qsort(took[one], count, sizeof(long), by_size);
        printf("%ld%c", took[one][count / 2], one ? '\n' : ' ');
    }
    return 0;
}
