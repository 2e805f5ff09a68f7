/*
 * sprint.hpp - libsprint for C++11 and later: sprint.h with owners instead of handles.
 *
 *     sprint::Config config("relay.example:443");
 *     config.set_int(SPRINT_OPT_MAX_CONNECTIONS, 4);
 *     sprint::Pool pool(config);
 *     sprint::Conn conn = pool.acquire(1000);
 *     conn.write("PING\n", 5, 1000);
 *     n = conn.read(answer, sizeof answer, 1000);
 *
 * What a call does, returns and blocks for is written above its C function in sprint.h;
 * the rules on threads hold here too. What this header adds:
 *
 * Ownership. Config, Pool, Conn, Buffer and borrows are move-only and end what they own.
 *   A moved-from or default object holds handle 0, whose calls are SPRINT_E_HANDLE.
 *   Moving or destroying an object that another thread is using is a race of the caller.
 * Errors. Every operation has two forms. operation(...) throws sprint::error, which
 *   carries the status and the text. operation(std::nothrow, ..., outputs) never throws
 *   and returns the status, whose text last_error() has. With SPRINT_NO_EXCEPTIONS (set
 *   by itself under -fno-exceptions) only the second form is there.
 * Leases. A Conn that goes out of scope is released; it is discarded while an exception
 *   unwinds or after an operation that failed, because its stream may be anywhere.
 * Loading. The functions are linked, with -lsprint. Define SPRINT_HPP_DL before the
 *   include to call through the table of sprint_dl.h instead: nothing is linked, and
 *   sprint::load(path) comes first, once, before other threads call. Until then every
 *   call is SPRINT_E_STATE. A shared object that hides its symbols loads a table of its
 *   own. Files with and without the macro may be linked into one program, but their types
 *   differ, so that one cannot be taken for the other.
 */
#ifndef SPRINT_HPP
#define SPRINT_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#if __cplusplus >= 201703L
#include <string_view>
#endif
#if __cplusplus >= 202002L
#include <span>
#endif

#if !defined(SPRINT_NO_EXCEPTIONS) && defined(__GNUC__) && !defined(__EXCEPTIONS)
#define SPRINT_NO_EXCEPTIONS
#endif

#ifdef SPRINT_HPP_DL
#include "sprint_dl.h"
#else
#include "sprint.h"
#endif

#if __cplusplus >= 201703L
#define SPRINT_NODISCARD [[nodiscard]]
#elif defined(__GNUC__)
#define SPRINT_NODISCARD __attribute__((warn_unused_result))
#else
#define SPRINT_NODISCARD
#endif

/* Each mode has its own types: an inline function has one definition per program. */
#if defined(SPRINT_HPP_DL) && defined(SPRINT_NO_EXCEPTIONS)
#define SPRINT_HPP_MODE loaded_status
#elif defined(SPRINT_HPP_DL)
#define SPRINT_HPP_MODE loaded
#elif defined(SPRINT_NO_EXCEPTIONS)
#define SPRINT_HPP_MODE linked_status
#else
#define SPRINT_HPP_MODE linked
#endif

namespace sprint {
inline namespace SPRINT_HPP_MODE {
namespace detail {

#ifdef SPRINT_HPP_DL
/** What a function of the table does before load(). */
struct not_loaded {
    operator sprint_status() const noexcept {
        return SPRINT_E_STATE;
    }
    operator const char *() const noexcept {
        return "not loaded";
    }
};
template <class Function> struct before_load;
template <class R, class... A> struct before_load<R (*)(A...)> {
    static R call(A...) {
        return static_cast<R>(not_loaded());
    }
};
/** sprint_last_error() */
template <> struct before_load<size_t (*)(char *, size_t)> {
    static size_t call(char *text, size_t cap) {
        sprint_dl_explain(text, cap, "sprint::load() was not called", "");
        return sizeof "sprint::load() was not called";
    }
};
/** The process's table: a template, for C++11 has no inline variables. */
template <class T> struct table { static T functions; };
#define SPRINT_HPP_ENTRY(ret, name, params) &before_load<decltype(T::name)>::call,
template <class T> T table<T>::functions = {SPRINT_FUNCTIONS(SPRINT_HPP_ENTRY)};
#undef SPRINT_HPP_ENTRY
#define SPRINT_FN(name) (::sprint::detail::table<sprint_dl>::functions.name)
#else
#define SPRINT_FN(name) (::name)
#endif

/** The owner of one handle; Free::call gives it back. */
template <class T, class Free> class unique_handle {
  public:
    unique_handle() noexcept : handle_(0) {}
    /** Takes over a handle. */
    explicit unique_handle(T handle) noexcept : handle_(handle) {}
    unique_handle(unique_handle &&other) noexcept : handle_(other.detach()) {}
    unique_handle &operator=(unique_handle &&other) noexcept {
        reset(other.detach());
        return *this;
    }
    unique_handle(const unique_handle &) = delete;
    unique_handle &operator=(const unique_handle &) = delete;
    ~unique_handle() {
        reset();
    }

    T get() const noexcept {
        return handle_;
    }
    explicit operator bool() const noexcept {
        return handle_ != 0;
    }
    /** Gives the handle, and the duty to end it, to the caller. */
    SPRINT_NODISCARD T detach() noexcept {
        T handle = handle_;
        handle_ = 0;
        return handle;
    }
    /** Ends what is owned now and takes over another handle. */
    void reset(T handle = 0) noexcept {
        T old = handle_;
        handle_ = handle;
        if (old != 0)
            Free::call(old);
    }

  private:
    T handle_;
};

struct config_free {
    static void call(sprint_config handle) noexcept {
        SPRINT_FN(sprint_config_free)(handle);
    }
};
struct pool_free {
    static void call(sprint_pool handle) noexcept {
        SPRINT_FN(sprint_pool_free)(handle);
    }
};
struct conn_release {
    static void call(sprint_conn handle) noexcept {
        SPRINT_FN(sprint_conn_release)(handle);
    }
};
struct buffer_free {
    static void call(sprint_buffer handle) noexcept {
        SPRINT_FN(sprint_buffer_free)(handle);
    }
};
struct borrow_close {
    static void call(sprint_buffer handle) noexcept {
        sprint_status unheard = SPRINT_FN(sprint_buffer_close)(handle);
        static_cast<void>(unheard);
    }
};

inline bool unwinding() noexcept {
#if defined(SPRINT_NO_EXCEPTIONS)
    return false;
#elif __cplusplus >= 201703L
    return std::uncaught_exceptions() > 0;
#else
    return std::uncaught_exception();
#endif
}

} // namespace detail

/* ---------------------------------------------------------------- errors, library */

/** The text of the last failing call on this thread, "" if there was none. */
inline std::string last_error() {
    std::string text(SPRINT_FN(sprint_last_error)(nullptr, 0), '\0');
    SPRINT_FN(sprint_last_error)(&text[0], text.size());
    text.resize(text.size() - 1);
    return text;
}
inline const char *errname(sprint_status status) noexcept {
    return SPRINT_FN(sprint_errname)(status);
}
inline const char *strerror(sprint_status status) noexcept {
    return SPRINT_FN(sprint_strerror)(status);
}
inline const char *version() noexcept {
    return SPRINT_FN(sprint_version)();
}
inline void wipe(void *p, size_t len) noexcept {
    SPRINT_FN(sprint_wipe)(p, len);
}

#ifdef SPRINT_HPP_DL
/** sprint_dl_load() into this program's table. On failure err explains, if it is not NULL. */
SPRINT_NODISCARD inline sprint_status load(std::nothrow_t, const char *path, char *err,
                                           size_t cap) noexcept {
    sprint_dl functions;
    sprint_status status = sprint_dl_load(path, &functions, err, cap);
    if (status == SPRINT_OK)
        detail::table<sprint_dl>::functions = functions;
    return status;
}
#endif

SPRINT_NODISCARD inline sprint_status init(std::nothrow_t) noexcept {
    return SPRINT_FN(sprint_init)(SPRINT_ABI);
}
SPRINT_NODISCARD inline sprint_status log_to_fd(std::nothrow_t, int32_t fd,
                                                int32_t level) noexcept {
    return SPRINT_FN(sprint_log_to_fd)(fd, level);
}
/** Sets struct_size itself. */
SPRINT_NODISCARD inline sprint_status memory_stats(std::nothrow_t,
                                                   sprint_memory_stats *out) noexcept {
    *out = sprint_memory_stats();
    out->struct_size = sizeof *out;
    return SPRINT_FN(sprint_memory_stats_get)(out);
}
SPRINT_NODISCARD inline sprint_status memory_status_json(std::nothrow_t, char *buf, size_t cap,
                                                         size_t *needed) noexcept {
    return SPRINT_FN(sprint_memory_status_json)(buf, cap, needed);
}
SPRINT_NODISCARD inline sprint_status memory_self_check(std::nothrow_t) noexcept {
    return SPRINT_FN(sprint_memory_self_check)();
}
SPRINT_NODISCARD inline sprint_status memory_set(std::nothrow_t, int32_t option,
                                                 int64_t value) noexcept {
    return SPRINT_FN(sprint_memory_set)(option, value);
}
SPRINT_NODISCARD inline sprint_status events_to_fd(std::nothrow_t, int32_t fd) noexcept {
    return SPRINT_FN(sprint_events_to_fd)(fd);
}

#ifndef SPRINT_NO_EXCEPTIONS
/** A failed call: code() is its status, what() "NAME: text". */
class error : public std::runtime_error {
  public:
    error(sprint_status code, const std::string &text)
        : std::runtime_error(std::string(errname(code)) + ": " + text), code_(code) {}
    sprint_status code() const noexcept {
        return code_;
    }

  private:
    sprint_status code_;
};

namespace detail {
inline void check(sprint_status status) {
    if (status != SPRINT_OK)
        throw error(status, last_error());
}
/** All of a text that call(buf, cap, needed) writes; it may grow between two calls. */
template <class Call> std::string text(const Call &call) {
    std::string all(1024, '\0');
    size_t needed = 0;
    sprint_status status;
    while ((status = call(&all[0], all.size(), &needed)) == SPRINT_E_RANGE)
        all.resize(needed + 256);
    check(status);
    all.resize(needed - 1);
    return all;
}
} // namespace detail

#ifdef SPRINT_HPP_DL
inline void load(const char *path = nullptr) {
    char text[512];
    sprint_status status = load(std::nothrow, path, text, sizeof text);
    if (status != SPRINT_OK)
        throw error(status, text);
}
#endif
inline void init() {
    detail::check(init(std::nothrow));
}
inline void log_to_fd(int32_t fd, int32_t level) {
    detail::check(log_to_fd(std::nothrow, fd, level));
}
inline sprint_memory_stats memory_stats() {
    sprint_memory_stats stats;
    detail::check(memory_stats(std::nothrow, &stats));
    return stats;
}
inline std::string memory_status_json() {
    return detail::text([](char *buf, size_t cap, size_t *needed) {
        return memory_status_json(std::nothrow, buf, cap, needed);
    });
}
inline void memory_self_check() {
    detail::check(memory_self_check(std::nothrow));
}
inline void memory_set(int32_t option, int64_t value) {
    detail::check(memory_set(std::nothrow, option, value));
}
inline void events_to_fd(int32_t fd) {
    detail::check(events_to_fd(std::nothrow, fd));
}
#endif

/* ------------------------------------------------------------------ secure buffer */

/**
 * A borrow of a buffer's guarded memory, given back when it goes out of scope. It may
 * outlive its Buffer: the memory is then wiped when the last borrow ends.
 */
template <class Byte>
class Borrow : public detail::unique_handle<sprint_buffer, detail::borrow_close> {
    using handle = detail::unique_handle<sprint_buffer, detail::borrow_close>;

  public:
    Borrow() noexcept : data_(nullptr), size_(0) {}
    Borrow(sprint_buffer open, void *data, size_t size) noexcept
        : handle(open), data_(static_cast<Byte *>(data)), size_(size) {}
    /** NULL once the borrow has ended. */
    Byte *data() const noexcept {
        return *this ? data_ : nullptr;
    }
    size_t size() const noexcept {
        return *this ? size_ : 0;
    }
    Byte *begin() const noexcept {
        return data();
    }
    Byte *end() const noexcept {
        return data() + size();
    }

    /** Ends the borrow early and reports what the destructor cannot: SPRINT_E_CORRUPT. */
    SPRINT_NODISCARD sprint_status close(std::nothrow_t) noexcept {
        return SPRINT_FN(sprint_buffer_close)(this->detach());
    }
#ifndef SPRINT_NO_EXCEPTIONS
    void close() {
        detail::check(close(std::nothrow));
    }
#endif

  private:
    Byte *data_;
    size_t size_;
};
using ReadBorrow = Borrow<const unsigned char>;
using WriteBorrow = Borrow<unsigned char>;

/** A secret in locked, guarded memory. Any thread may call, at the same time. */
class Buffer : public detail::unique_handle<sprint_buffer, detail::buffer_free> {
  public:
    using unique_handle::unique_handle;
    Buffer() noexcept = default;

    SPRINT_NODISCARD static sprint_status alloc(std::nothrow_t, size_t len, uint32_t flags,
                                                Buffer *out) noexcept {
        sprint_buffer handle = 0;
        sprint_status status = SPRINT_FN(sprint_buffer_alloc)(len, flags, &handle);
        out->reset(handle);
        return status;
    }
    /** Wipes src. */
    SPRINT_NODISCARD static sprint_status from(std::nothrow_t, void *src, size_t len,
                                               uint32_t flags, Buffer *out) noexcept {
        sprint_buffer handle = 0;
        sprint_status status = SPRINT_FN(sprint_buffer_from)(src, len, flags, &handle);
        out->reset(handle);
        return status;
    }
    SPRINT_NODISCARD static sprint_status random(std::nothrow_t, size_t len, uint32_t flags,
                                                 Buffer *out) noexcept {
        sprint_buffer handle = 0;
        sprint_status status = SPRINT_FN(sprint_buffer_random)(len, flags, &handle);
        out->reset(handle);
        return status;
    }
    SPRINT_NODISCARD sprint_status size(std::nothrow_t, size_t *len) const noexcept {
        return SPRINT_FN(sprint_buffer_len)(get(), len);
    }
    SPRINT_NODISCARD sprint_status read(std::nothrow_t, size_t offset, void *dst,
                                        size_t len) const noexcept {
        return SPRINT_FN(sprint_buffer_read)(get(), offset, dst, len);
    }
    SPRINT_NODISCARD sprint_status write(std::nothrow_t, size_t offset, const void *src,
                                         size_t len) noexcept {
        return SPRINT_FN(sprint_buffer_write)(get(), offset, src, len);
    }
    SPRINT_NODISCARD sprint_status open(std::nothrow_t, ReadBorrow *out) const noexcept {
        return borrow(SPRINT_READ, out);
    }
    SPRINT_NODISCARD sprint_status open_write(std::nothrow_t, WriteBorrow *out) noexcept {
        return borrow(SPRINT_WRITE, out);
    }
    /** Set to SPRINT_BACKEND_* and whether the pages are locked. */
    SPRINT_NODISCARD sprint_status protection(std::nothrow_t, uint32_t *backend,
                                              uint32_t *locked) const noexcept {
        return SPRINT_FN(sprint_buffer_protection)(get(), backend, locked);
    }
    SPRINT_NODISCARD sprint_status seal(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_buffer_seal)(get());
    }
    SPRINT_NODISCARD sprint_status expire_after(std::nothrow_t, int64_t ttl_ms) noexcept {
        return SPRINT_FN(sprint_buffer_expire_after)(get(), ttl_ms);
    }
    SPRINT_NODISCARD sprint_status equal(std::nothrow_t, const Buffer &other,
                                         bool *out) const noexcept {
        int32_t same = 0;
        sprint_status status = SPRINT_FN(sprint_buffer_equal)(get(), other.get(), &same);
        *out = same != 0;
        return status;
    }
    SPRINT_NODISCARD sprint_status hmac(std::nothrow_t, int32_t hash, const void *msg, size_t len,
                                        void *mac, size_t cap, size_t *n) const noexcept {
        return SPRINT_FN(sprint_buffer_hmac)(get(), hash, msg, len, mac, cap, n);
    }
    SPRINT_NODISCARD sprint_status public_ed25519(std::nothrow_t, uint8_t key[32]) const noexcept {
        return SPRINT_FN(sprint_buffer_public_ed25519)(get(), key);
    }
    SPRINT_NODISCARD sprint_status sign_ed25519(std::nothrow_t, const void *msg, size_t len,
                                                uint8_t signature[64]) const noexcept {
        return SPRINT_FN(sprint_buffer_sign_ed25519)(get(), msg, len, signature);
    }
    SPRINT_NODISCARD sprint_status encrypt(std::nothrow_t, const void *aad, size_t aad_len,
                                           const void *plain, size_t len, void *out, size_t cap,
                                           size_t *n) const noexcept {
        return SPRINT_FN(sprint_buffer_encrypt)(get(), aad, aad_len, plain, len, out, cap, n);
    }
    SPRINT_NODISCARD sprint_status decrypt(std::nothrow_t, const void *aad, size_t aad_len,
                                           const void *sealed, size_t len, uint32_t flags,
                                           Buffer *out) const noexcept {
        sprint_buffer handle = 0;
        sprint_status status =
            SPRINT_FN(sprint_buffer_decrypt)(get(), aad, aad_len, sealed, len, flags, &handle);
        out->reset(handle);
        return status;
    }
    SPRINT_NODISCARD sprint_status hkdf(std::nothrow_t, int32_t hash, const void *salt,
                                        size_t salt_len, const void *info, size_t info_len,
                                        size_t out_len, uint32_t flags,
                                        Buffer *out) const noexcept {
        sprint_buffer handle = 0;
        sprint_status status = SPRINT_FN(sprint_buffer_hkdf)(get(), hash, salt, salt_len, info,
                                                             info_len, out_len, flags, &handle);
        out->reset(handle);
        return status;
    }
    SPRINT_NODISCARD sprint_status pbkdf2(std::nothrow_t, int32_t hash, const void *salt,
                                          size_t salt_len, uint32_t iterations, size_t out_len,
                                          uint32_t flags, Buffer *out) const noexcept {
        sprint_buffer handle = 0;
        sprint_status status = SPRINT_FN(sprint_buffer_pbkdf2)(get(), hash, salt, salt_len,
                                                               iterations, out_len, flags, &handle);
        out->reset(handle);
        return status;
    }

#ifndef SPRINT_NO_EXCEPTIONS
    static Buffer alloc(size_t len, uint32_t flags = SPRINT_BUFFER_DEFAULT) {
        Buffer made;
        detail::check(alloc(std::nothrow, len, flags, &made));
        return made;
    }
    /** Wipes src. */
    static Buffer from(void *src, size_t len, uint32_t flags = SPRINT_BUFFER_DEFAULT) {
        Buffer made;
        detail::check(from(std::nothrow, src, len, flags, &made));
        return made;
    }
    static Buffer random(size_t len, uint32_t flags = SPRINT_BUFFER_DEFAULT) {
        Buffer made;
        detail::check(random(std::nothrow, len, flags, &made));
        return made;
    }
    size_t size() const {
        size_t len = 0;
        detail::check(size(std::nothrow, &len));
        return len;
    }
    void read(size_t offset, void *dst, size_t len) const {
        detail::check(read(std::nothrow, offset, dst, len));
    }
    void write(size_t offset, const void *src, size_t len) {
        detail::check(write(std::nothrow, offset, src, len));
    }
    SPRINT_NODISCARD ReadBorrow open() const {
        ReadBorrow out;
        detail::check(open(std::nothrow, &out));
        return out;
    }
    SPRINT_NODISCARD WriteBorrow open_write() {
        WriteBorrow out;
        detail::check(open_write(std::nothrow, &out));
        return out;
    }
    /** SPRINT_BACKEND_*; AUTO while it is sealed, or in unlocked pages. */
    uint32_t backend() const {
        uint32_t backend = SPRINT_BACKEND_AUTO;
        detail::check(protection(std::nothrow, &backend, nullptr));
        return backend;
    }
    void seal() const {
        detail::check(seal(std::nothrow));
    }
    void expire_after(int64_t ttl_ms) {
        detail::check(expire_after(std::nothrow, ttl_ms));
    }
    SPRINT_NODISCARD bool equal(const Buffer &other) const {
        bool same = false;
        detail::check(equal(std::nothrow, other, &same));
        return same;
    }
    /** Returns the size of the tag. */
    size_t hmac(int32_t hash, const void *msg, size_t len, void *mac, size_t cap) const {
        size_t n = 0;
        detail::check(hmac(std::nothrow, hash, msg, len, mac, cap, &n));
        return n;
    }
    void public_ed25519(uint8_t key[32]) const {
        detail::check(public_ed25519(std::nothrow, key));
    }
    void sign_ed25519(const void *msg, size_t len, uint8_t signature[64]) const {
        detail::check(sign_ed25519(std::nothrow, msg, len, signature));
    }
    /** Returns the bytes written to out. */
    size_t encrypt(const void *aad, size_t aad_len, const void *plain, size_t len, void *out,
                   size_t cap) const {
        size_t n = 0;
        detail::check(encrypt(std::nothrow, aad, aad_len, plain, len, out, cap, &n));
        return n;
    }
    SPRINT_NODISCARD Buffer decrypt(const void *aad, size_t aad_len, const void *sealed, size_t len,
                                    uint32_t flags = SPRINT_BUFFER_DEFAULT) const {
        Buffer made;
        detail::check(decrypt(std::nothrow, aad, aad_len, sealed, len, flags, &made));
        return made;
    }
    SPRINT_NODISCARD Buffer hkdf(int32_t hash, const void *salt, size_t salt_len, const void *info,
                                 size_t info_len, size_t out_len,
                                 uint32_t flags = SPRINT_BUFFER_DEFAULT) const {
        Buffer made;
        detail::check(
            hkdf(std::nothrow, hash, salt, salt_len, info, info_len, out_len, flags, &made));
        return made;
    }
    SPRINT_NODISCARD Buffer pbkdf2(int32_t hash, const void *salt, size_t salt_len,
                                   uint32_t iterations, size_t out_len,
                                   uint32_t flags = SPRINT_BUFFER_DEFAULT) const {
        Buffer made;
        detail::check(
            pbkdf2(std::nothrow, hash, salt, salt_len, iterations, out_len, flags, &made));
        return made;
    }
#endif

  private:
    template <class Guard> sprint_status borrow(int32_t mode, Guard *out) const noexcept {
        void *data = nullptr;
        size_t len = 0;
        sprint_status status = SPRINT_FN(sprint_buffer_open)(get(), mode, &data, &len);
        *out = status == SPRINT_OK ? Guard(get(), data, len) : Guard();
        return status;
    }
};

/* -------------------------------------------------------------------------- pool */

/** Settings of a pool being put together. One thread at a time. */
class Config : public detail::unique_handle<sprint_config, detail::config_free> {
  public:
    using unique_handle::unique_handle;
    Config() noexcept = default;

    SPRINT_NODISCARD static sprint_status create(std::nothrow_t, const char *endpoints,
                                                 Config *out) noexcept {
        sprint_config handle = 0;
        sprint_status status = SPRINT_FN(sprint_config_new)(endpoints, &handle);
        out->reset(handle);
        return status;
    }
    SPRINT_NODISCARD sprint_status set_str(std::nothrow_t, int32_t option,
                                           const char *utf8) noexcept {
        return SPRINT_FN(sprint_config_set_str)(get(), option, utf8);
    }
    SPRINT_NODISCARD sprint_status set_int(std::nothrow_t, int32_t option, int64_t value) noexcept {
        return SPRINT_FN(sprint_config_set_int)(get(), option, value);
    }
    SPRINT_NODISCARD sprint_status set_bytes(std::nothrow_t, int32_t option, const void *data,
                                             size_t len) noexcept {
        return SPRINT_FN(sprint_config_set_bytes)(get(), option, data, len);
    }
    SPRINT_NODISCARD sprint_status set_buffer(std::nothrow_t, int32_t option,
                                              const Buffer &secret) noexcept {
        return SPRINT_FN(sprint_config_set_buffer)(get(), option, secret.get());
    }

#ifndef SPRINT_NO_EXCEPTIONS
    explicit Config(const char *endpoints) {
        detail::check(create(std::nothrow, endpoints, this));
    }
    Config &set_str(int32_t option, const char *utf8) {
        detail::check(set_str(std::nothrow, option, utf8));
        return *this;
    }
    Config &set_int(int32_t option, int64_t value) {
        detail::check(set_int(std::nothrow, option, value));
        return *this;
    }
    Config &set_bytes(int32_t option, const void *data, size_t len) {
        detail::check(set_bytes(std::nothrow, option, data, len));
        return *this;
    }
    Config &set_buffer(int32_t option, const Buffer &secret) {
        detail::check(set_buffer(std::nothrow, option, secret));
        return *this;
    }
#if __cplusplus >= 201703L
    Config &set_bytes(int32_t option, std::string_view data) {
        return set_bytes(option, data.data(), data.size());
    }
#endif
#endif
};

/**
 * A connection on lease: a handle, and whether an operation failed. After a failure that
 * the stream survives (a timed-out read) a read that succeeds makes the lease good again.
 */
class Conn : public detail::unique_handle<sprint_conn, detail::conn_release> {
  public:
    Conn() noexcept : failed_(false) {}
    /** Takes over a lease. */
    explicit Conn(sprint_conn handle) noexcept : unique_handle(handle), failed_(false) {}
    Conn(Conn &&other) noexcept : unique_handle(std::move(other)), failed_(other.failed()) {}
    Conn &operator=(Conn &&other) noexcept {
        if (this != &other) {
            end();
            failed_.store(other.failed(), std::memory_order_relaxed);
            reset(other.detach());
        }
        return *this;
    }
    ~Conn() {
        end();
    }

    bool failed() const noexcept {
        return failed_.load(std::memory_order_relaxed);
    }
    /** Ends the lease now: back to the pool, wherever the stream is. */
    void release() noexcept {
        reset();
    }
    /** Ends the lease now and closes the connection. */
    void discard() noexcept {
        SPRINT_FN(sprint_conn_discard)(detach());
    }

    SPRINT_NODISCARD sprint_status write(std::nothrow_t, const void *data, size_t len,
                                         int64_t timeout_ms) noexcept {
        return wrote(SPRINT_FN(sprint_conn_write)(get(), data, len, timeout_ms));
    }
    SPRINT_NODISCARD sprint_status read(std::nothrow_t, void *buf, size_t cap, int64_t timeout_ms,
                                        size_t *n) noexcept {
        return answered(SPRINT_FN(sprint_conn_read)(get(), buf, cap, timeout_ms, n));
    }
    SPRINT_NODISCARD sprint_status read_exact(std::nothrow_t, void *buf, size_t len,
                                              int64_t timeout_ms, size_t *n) noexcept {
        return answered(SPRINT_FN(sprint_conn_read_exact)(get(), buf, len, timeout_ms, n));
    }
    SPRINT_NODISCARD sprint_status request(std::nothrow_t, const void *data, size_t len, void *buf,
                                           size_t cap, uint32_t flags, int64_t timeout_ms,
                                           size_t *n) noexcept {
        return answered(
            SPRINT_FN(sprint_conn_request)(get(), data, len, buf, cap, flags, timeout_ms, n));
    }
    SPRINT_NODISCARD sprint_status write_secret(std::nothrow_t, const Buffer &secret,
                                                int64_t timeout_ms) noexcept {
        return wrote(SPRINT_FN(sprint_conn_write_secret)(get(), secret.get(), timeout_ms));
    }
    SPRINT_NODISCARD sprint_status try_write(std::nothrow_t, const void *data, size_t len,
                                             size_t *n) noexcept {
        return wrote(SPRINT_FN(sprint_conn_try_write)(get(), data, len, n));
    }
    SPRINT_NODISCARD sprint_status try_read(std::nothrow_t, void *buf, size_t cap,
                                            size_t *n) noexcept {
        return answered(SPRINT_FN(sprint_conn_try_read)(get(), buf, cap, n));
    }
    SPRINT_NODISCARD sprint_status flush(std::nothrow_t, int64_t timeout_ms) noexcept {
        return wrote(SPRINT_FN(sprint_conn_flush)(get(), timeout_ms));
    }
    SPRINT_NODISCARD sprint_status poll_info(std::nothrow_t, int32_t *fd,
                                             uint32_t *want) const noexcept {
        return SPRINT_FN(sprint_conn_poll_info)(get(), fd, want);
    }
    SPRINT_NODISCARD sprint_status id(std::nothrow_t, uint64_t *out) const noexcept {
        return SPRINT_FN(sprint_conn_id)(get(), out);
    }
    SPRINT_NODISCARD sprint_status uses(std::nothrow_t, uint64_t *out) const noexcept {
        return SPRINT_FN(sprint_conn_uses)(get(), out);
    }
    SPRINT_NODISCARD sprint_status info_json(std::nothrow_t, char *buf, size_t cap,
                                             size_t *needed) const noexcept {
        return SPRINT_FN(sprint_conn_info_json)(get(), buf, cap, needed);
    }
#if __cplusplus >= 201703L
    SPRINT_NODISCARD sprint_status write(std::nothrow_t, std::string_view data,
                                         int64_t timeout_ms) noexcept {
        return write(std::nothrow, data.data(), data.size(), timeout_ms);
    }
#endif
#if __cplusplus >= 202002L
    SPRINT_NODISCARD sprint_status write(std::nothrow_t, std::span<const std::byte> data,
                                         int64_t timeout_ms) noexcept {
        return write(std::nothrow, data.data(), data.size(), timeout_ms);
    }
    SPRINT_NODISCARD sprint_status read(std::nothrow_t, std::span<std::byte> buf,
                                        int64_t timeout_ms, size_t *n) noexcept {
        return read(std::nothrow, buf.data(), buf.size(), timeout_ms, n);
    }
#endif

#ifndef SPRINT_NO_EXCEPTIONS
    void write(const void *data, size_t len, int64_t timeout_ms) {
        detail::check(write(std::nothrow, data, len, timeout_ms));
    }
    /** Returns the bytes received; 0: the peer ended the stream with close_notify. */
    SPRINT_NODISCARD size_t read(void *buf, size_t cap, int64_t timeout_ms) {
        size_t n = 0;
        detail::check(read(std::nothrow, buf, cap, timeout_ms, &n));
        return n;
    }
    void read_exact(void *buf, size_t len, int64_t timeout_ms) {
        detail::check(read_exact(std::nothrow, buf, len, timeout_ms, nullptr));
    }
    /** Returns the bytes received, as read() does. flags: SPRINT_REQUEST_*. */
    SPRINT_NODISCARD size_t request(const void *data, size_t len, void *buf, size_t cap,
                                    int64_t timeout_ms, uint32_t flags = 0) {
        size_t n = 0;
        detail::check(request(std::nothrow, data, len, buf, cap, flags, timeout_ms, &n));
        return n;
    }
    void write_secret(const Buffer &secret, int64_t timeout_ms) {
        detail::check(write_secret(std::nothrow, secret, timeout_ms));
    }
    /** Returns the bytes accepted; 0 where C says SPRINT_E_WOULD_BLOCK. */
    SPRINT_NODISCARD size_t try_write(const void *data, size_t len) {
        size_t n = 0;
        return unless_blocked(try_write(std::nothrow, data, len, &n)) ? n : 0;
    }
    /** Returns false where C says SPRINT_E_WOULD_BLOCK; n = 0: close_notify. */
    SPRINT_NODISCARD bool try_read(void *buf, size_t cap, size_t *n) {
        return unless_blocked(try_read(std::nothrow, buf, cap, n));
    }
    /** Returns true when nothing is left unsent; false only with timeout_ms 0. */
    bool flush(int64_t timeout_ms) {
        return unless_blocked(flush(std::nothrow, timeout_ms));
    }
    void poll_info(int32_t *fd, uint32_t *want) const {
        detail::check(poll_info(std::nothrow, fd, want));
    }
    uint64_t id() const {
        uint64_t out = 0;
        detail::check(id(std::nothrow, &out));
        return out;
    }
    uint64_t uses() const {
        uint64_t out = 0;
        detail::check(uses(std::nothrow, &out));
        return out;
    }
    std::string info_json() const {
        return detail::text([this](char *buf, size_t cap, size_t *needed) {
            return info_json(std::nothrow, buf, cap, needed);
        });
    }
#if __cplusplus >= 201703L
    void write(std::string_view data, int64_t timeout_ms) {
        write(data.data(), data.size(), timeout_ms);
    }
#endif
#if __cplusplus >= 202002L
    void write(std::span<const std::byte> data, int64_t timeout_ms) {
        write(data.data(), data.size(), timeout_ms);
    }
    SPRINT_NODISCARD size_t read(std::span<std::byte> buf, int64_t timeout_ms) {
        return read(buf.data(), buf.size(), timeout_ms);
    }
#endif
#endif

  private:
    /* Atomic: a reader and a writer may work at the same time. Only an answer makes a lease
     * good again; that a write failed before it, the library knows at release. */
    sprint_status wrote(sprint_status status) noexcept {
        if (status != SPRINT_OK && status != SPRINT_E_WOULD_BLOCK)
            failed_.store(true, std::memory_order_relaxed);
        return status;
    }
    sprint_status answered(sprint_status status) noexcept {
        if (status != SPRINT_E_WOULD_BLOCK)
            failed_.store(status != SPRINT_OK, std::memory_order_relaxed);
        return status;
    }
    void end() noexcept {
        if (get() != 0 && (failed() || detail::unwinding()))
            discard();
        else
            reset();
    }
#ifndef SPRINT_NO_EXCEPTIONS
    static bool unless_blocked(sprint_status status) {
        if (status == SPRINT_E_WOULD_BLOCK)
            return false;
        detail::check(status);
        return true;
    }
#endif

    std::atomic<bool> failed_;
};

/** A bounded pool of verified TLS connections. Any thread may call, at the same time. */
class Pool : public detail::unique_handle<sprint_pool, detail::pool_free> {
  public:
    using unique_handle::unique_handle;
    Pool() noexcept = default;

    SPRINT_NODISCARD static sprint_status create(std::nothrow_t, const Config &config,
                                                 Pool *out) noexcept {
        sprint_pool handle = 0;
        sprint_status status = SPRINT_FN(sprint_pool_new)(config.get(), &handle);
        out->reset(handle);
        return status;
    }
    SPRINT_NODISCARD sprint_status warm_up(std::nothrow_t, uint32_t count,
                                           int64_t timeout_ms) const noexcept {
        return SPRINT_FN(sprint_pool_warm_up)(get(), count, timeout_ms);
    }
    SPRINT_NODISCARD sprint_status acquire(std::nothrow_t, int64_t timeout_ms,
                                           Conn *out) const noexcept {
        sprint_conn handle = 0;
        sprint_status status = SPRINT_FN(sprint_pool_acquire)(get(), timeout_ms, &handle);
        *out = Conn(handle);
        return status;
    }
    SPRINT_NODISCARD sprint_status start_cleanup(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_pool_start_cleanup)(get());
    }
    SPRINT_NODISCARD sprint_status stop_cleanup(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_pool_stop_cleanup)(get());
    }
    SPRINT_NODISCARD sprint_status resize(std::nothrow_t, uint32_t max_connections,
                                          uint32_t min_idle) const noexcept {
        return SPRINT_FN(sprint_pool_resize)(get(), max_connections, min_idle);
    }
    SPRINT_NODISCARD sprint_status pause(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_pool_pause)(get());
    }
    SPRINT_NODISCARD sprint_status resume(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_pool_resume)(get());
    }
    SPRINT_NODISCARD sprint_status evict_endpoint(std::nothrow_t,
                                                  const char *endpoint) const noexcept {
        return SPRINT_FN(sprint_pool_evict_endpoint)(get(), endpoint);
    }
    /** sprint_pool_reset(): reset() is the owner's, and ends the pool. */
    SPRINT_NODISCARD sprint_status begin_anew(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_pool_reset)(get());
    }
    SPRINT_NODISCARD sprint_status rotate(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_pool_rotate)(get());
    }
    SPRINT_NODISCARD sprint_status start_metrics(std::nothrow_t, uint16_t *port) const noexcept {
        return SPRINT_FN(sprint_pool_start_metrics)(get(), port);
    }
    SPRINT_NODISCARD sprint_status stop_metrics(std::nothrow_t) const noexcept {
        return SPRINT_FN(sprint_pool_stop_metrics)(get());
    }
    /** Sets struct_size itself. */
    SPRINT_NODISCARD sprint_status stats(std::nothrow_t, sprint_pool_stats *out) const noexcept {
        *out = sprint_pool_stats();
        out->struct_size = sizeof *out;
        return SPRINT_FN(sprint_pool_stats_get)(get(), out);
    }
    SPRINT_NODISCARD sprint_status status_json(std::nothrow_t, char *buf, size_t cap,
                                               size_t *needed) const noexcept {
        return SPRINT_FN(sprint_pool_status_json)(get(), buf, cap, needed);
    }
    SPRINT_NODISCARD sprint_status close(std::nothrow_t, int64_t grace_ms,
                                         uint32_t *forced) const noexcept {
        return SPRINT_FN(sprint_pool_close)(get(), grace_ms, forced);
    }

#ifndef SPRINT_NO_EXCEPTIONS
    explicit Pool(const Config &config) {
        detail::check(create(std::nothrow, config, this));
    }
    void warm_up(uint32_t count, int64_t timeout_ms = -1) const {
        detail::check(warm_up(std::nothrow, count, timeout_ms));
    }
    SPRINT_NODISCARD Conn acquire(int64_t timeout_ms = -1) const {
        Conn out;
        detail::check(acquire(std::nothrow, timeout_ms, &out));
        return out;
    }
    void start_cleanup() const {
        detail::check(start_cleanup(std::nothrow));
    }
    void stop_cleanup() const {
        detail::check(stop_cleanup(std::nothrow));
    }
    void resize(uint32_t max_connections, uint32_t min_idle) const {
        detail::check(resize(std::nothrow, max_connections, min_idle));
    }
    void pause() const {
        detail::check(pause(std::nothrow));
    }
    void resume() const {
        detail::check(resume(std::nothrow));
    }
    void evict_endpoint(const char *endpoint) const {
        detail::check(evict_endpoint(std::nothrow, endpoint));
    }
    /** sprint_pool_reset(): reset() is the owner's, and ends the pool. */
    void begin_anew() const {
        detail::check(begin_anew(std::nothrow));
    }
    void rotate() const {
        detail::check(rotate(std::nothrow));
    }
    /** Returns the port. */
    uint16_t start_metrics() const {
        uint16_t port = 0;
        detail::check(start_metrics(std::nothrow, &port));
        return port;
    }
    void stop_metrics() const {
        detail::check(stop_metrics(std::nothrow));
    }
    sprint_pool_stats stats() const {
        sprint_pool_stats out;
        detail::check(stats(std::nothrow, &out));
        return out;
    }
    std::string status_json() const {
        return detail::text([this](char *buf, size_t cap, size_t *needed) {
            return status_json(std::nothrow, buf, cap, needed);
        });
    }
    /** Returns the leases that were cut off. */
    uint32_t close(int64_t grace_ms) const {
        uint32_t forced = 0;
        detail::check(close(std::nothrow, grace_ms, &forced));
        return forced;
    }
#endif
};

static_assert(sizeof(Pool) == sizeof(sprint_pool) && sizeof(Buffer) == sizeof(sprint_buffer) &&
                  sizeof(Config) == sizeof(sprint_config),
              "an owner is one handle");

} // namespace SPRINT_HPP_MODE
} // namespace sprint

#undef SPRINT_FN
#undef SPRINT_HPP_MODE
#endif /* SPRINT_HPP */
