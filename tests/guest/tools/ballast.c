/* ballast.c - a library that takes most of the room that the loader has for static TLS. */
__attribute__((tls_model("initial-exec"))) __thread char ballast[1400];

char *ballast_of_this_thread(void) {
    return ballast;
}
