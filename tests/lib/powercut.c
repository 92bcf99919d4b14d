// Cuts the power of the ext4 file system that a folder lies on: what is not on its disk is lost, its journal's last part
// included. It answers with errors from then on; unmount it and mount it again to see what is left.
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EXT4_IOC_SHUTDOWN _IOR('X', 125, __u32)
#define NO_LOG_FLUSH 2

int main(int argc, char **argv)
{
    __u32 how = NO_LOG_FLUSH;
    int folder = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;

    if (folder < 0 || ioctl(folder, EXT4_IOC_SHUTDOWN, &how) != 0) {
        perror("powercut");
        return 1;
    }
    return 0;
}
