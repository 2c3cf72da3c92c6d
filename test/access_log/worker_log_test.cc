#include "source/access_log/worker_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "test/access_log/sample_stream.h"

namespace {
// Allocations of the thread that counts.
thread_local size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace nuncio::access_log {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

size_t Lines(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

class WorkerLogTest : public testing::Test {
 protected:
  WorkerLogTest() {
    char pattern[] = "/tmp/nuncio_access_log_XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~WorkerLogTest() override {
    for (const std::string& file : made_) unlink(file.c_str());
    rmdir(directory_.c_str());
  }

  std::string Path(const std::string& name) {
    made_.push_back(directory_ + "/" + name);
    return made_.back();
  }

  std::shared_ptr<const AccessLogConfig> Config(const std::string& path,
                                                std::string_view format = "%RESPONSE_CODE%\n") {
    config::Faults faults;
    auto text = TextTemplate::Parse(format, faults);
    EXPECT_TRUE(text.has_value()) << faults.ToString();
    return std::make_shared<const AccessLogConfig>(path, std::nullopt, *std::move(text), false);
  }

  std::shared_ptr<const AccessLog> Open(LogWriter& writer, const std::string& path,
                                        std::string_view format = "%RESPONSE_CODE%\n") {
    auto log = AccessLog::Create(Config(path, format), writer);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  int64_t Stat(std::string_view name) { return stats_.Find(StrCat("access_log_file.", name)).value_or(-1); }

  // Lets the flush interval pass.
  void Tick(Duration by = std::chrono::seconds(1)) {
    clock_.Advance(by);
    loop_.RunOnce();
    loop_.RunOnce();
  }

  std::string directory_;
  std::vector<std::string> made_;
  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  telemetry::StatsStore stats_;
  SampleStream stream_;
};

TEST_F(WorkerLogTest, EntriesReachTheFileWhenTheIntervalHasPassed) {
  const std::string path = Path("log");
  LogWriter writer(stats_, {});
  const auto log = Open(writer, path);
  WorkerLog worker(writer, loop_, 1);
  worker.Write(*log, stream_.info);
  worker.Write(*log, stream_.info);
  Tick(std::chrono::milliseconds(900));
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(path), "");
  Tick(std::chrono::milliseconds(200));
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(path), "200\n200\n");
  EXPECT_EQ(Stat("write_buffered"), 2);
  EXPECT_EQ(Stat("flushed_by_timer"), 1);
  EXPECT_EQ(Stat("write_completed"), 1);
  EXPECT_EQ(Stat("write_total_buffered"), 0);
}

TEST_F(WorkerLogTest, AFullBufferDoesNotWait) {
  const std::string path = Path("log");
  LogWriter writer(stats_, {.max_pending_bytes = 1 << 20, .buffer_bytes = 8, .flush_interval = std::chrono::hours(1)});
  const auto log = Open(writer, path);
  WorkerLog worker(writer, loop_, 1);
  for (int i = 0; i < 3; ++i) worker.Write(*log, stream_.info);
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(path), "200\n200\n");
  worker.Flush();
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(path), "200\n200\n200\n");
}

TEST_F(WorkerLogTest, EverythingIsWrittenAtTheEnd) {
  const std::string path = Path("log");
  {
    LogWriter writer(stats_, {});
    const auto log = Open(writer, path);
    WorkerLog worker(writer, loop_, 1);
    for (int i = 0; i < 1000; ++i) worker.Write(*log, stream_.info);
  }
  EXPECT_EQ(Lines(ReadAll(path)), 1000u);
}

TEST_F(WorkerLogTest, AppendsToWhatIsThere) {
  const std::string path = Path("log");
  std::ofstream(path) << "before\n";
  LogWriter writer(stats_, {});
  const auto log = Open(writer, path);
  {
    WorkerLog worker(writer, loop_, 1);
    worker.Write(*log, stream_.info);
  }
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(path), "before\n200\n");
}

TEST_F(WorkerLogTest, TheFilterDecides) {
  const std::string path = Path("log");
  LogWriter writer(stats_, {});
  config::Faults faults;
  auto log = AccessLog::Create(std::make_shared<const AccessLogConfig>(
                                   path, LogFilter(LogFilter::Status{{LogComparison::Op::kGreaterOrEqual, 500}}),
                                   *TextTemplate::Parse("%RESPONSE_CODE%\n", faults), false),
                               writer);
  ASSERT_TRUE(log.ok());
  {
    WorkerLog worker(writer, loop_, 1);
    worker.Write(**log, stream_.info);
    stream_.info.response_code = 503;
    worker.Write(**log, stream_.info);
  }
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(path), "503\n");
}

TEST_F(WorkerLogTest, ReopenFollowsARotation) {
  const std::string path = Path("log");
  const std::string rotated = Path("log.1");
  LogWriter writer(stats_, {});
  const auto log = Open(writer, path);
  WorkerLog worker(writer, loop_, 1);
  const auto write = [&](uint32_t code) {
    stream_.info.response_code = code;
    worker.Write(*log, stream_.info);
    worker.Flush();
  };
  write(201);
  writer.WaitUntilWritten();
  ASSERT_EQ(rename(path.c_str(), rotated.c_str()), 0);
  write(202);
  writer.WaitUntilWritten();
  writer.ReopenAll();
  writer.WaitUntilWritten();
  write(203);
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(rotated), "201\n202\n");
  EXPECT_EQ(ReadAll(path), "203\n");
}

TEST_F(WorkerLogTest, AReopenThatFailsGoesOnToTheOldFile) {
  const std::string path = Path("sub");
  ASSERT_EQ(mkdir(path.c_str(), 0755), 0);
  const std::string file = path + "/log";
  const std::string moved = Path("moved");
  LogWriter writer(stats_, {});
  const auto log = Open(writer, file);
  WorkerLog worker(writer, loop_, 1);
  ASSERT_EQ(rename(file.c_str(), moved.c_str()), 0);
  ASSERT_EQ(rmdir(path.c_str()), 0);
  writer.ReopenAll();
  writer.WaitUntilWritten();
  EXPECT_EQ(Stat("reopen_failed"), 1);
  worker.Write(*log, stream_.info);
  worker.Flush();
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(moved), "200\n");
}

TEST_F(WorkerLogTest, AFileThatCannotBeOpenedIsAnErrorThatNamesIt) {
  LogWriter writer(stats_, {});
  const auto log = AccessLog::Create(Config("/nonexistent/dir/log"), writer);
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.status().message().find("/nonexistent/dir/log"), absl::string_view::npos) << log.status();
}

TEST_F(WorkerLogTest, LogsOfOnePathShareTheFile) {
  const std::string path = Path("log");
  LogWriter writer(stats_, {});
  auto a = Open(writer, path);
  const auto b = Open(writer, path, "b\n");
  EXPECT_EQ(a->file(), b->file());
  const uint32_t id = a->file()->id();
  const auto other = Open(writer, Path("other"));
  EXPECT_NE(other->file()->id(), id);
  a.reset();
  {
    WorkerLog worker(writer, loop_, 1);
    worker.Write(*b, stream_.info);
  }
  writer.WaitUntilWritten();
  EXPECT_EQ(ReadAll(path), "b\n");
}

TEST_F(WorkerLogTest, AnIdleFileIsLetGo) {
  LogWriter writer(stats_, {});
  auto log = Open(writer, Path("log"));
  const std::weak_ptr<LogFile> file = log->file();
  WorkerLog worker(writer, loop_, 1);
  worker.Write(*log, stream_.info);
  log.reset();
  for (int i = 0; i < 5; ++i) Tick();
  writer.WaitUntilWritten();
  // The writer's own reference goes with its next turn.
  writer.ReopenAll();
  writer.WaitUntilWritten();
  EXPECT_TRUE(file.expired());
}

TEST_F(WorkerLogTest, AStalledPipeIsBoundedAndHoldsUpNobody) {
  const std::string fifo = Path("fifo");
  const std::string path = Path("log");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  constexpr size_t kLimit = 256 << 10;
  LogWriter writer(stats_,
                   {.max_pending_bytes = kLimit, .buffer_bytes = 16 << 10, .flush_interval = std::chrono::seconds(1)});
  const std::string line(999, 'x');
  const auto stalled = Open(writer, fifo, line + "\n");
  const auto healthy = Open(writer, path);
  WorkerLog worker(writer, loop_, 1);
  constexpr int kEntries = 2000;
  for (int i = 0; i < kEntries; ++i) worker.Write(*stalled, stream_.info);
  worker.Write(*healthy, stream_.info);
  worker.Flush();
  // Waiting for all would wait for the pipe.
  while (ReadAll(path).empty()) std::this_thread::yield();
  EXPECT_EQ(ReadAll(path), "200\n");
  EXPECT_LE(Stat("write_total_buffered"), static_cast<int64_t>(kLimit));
  const int64_t dropped = Stat("write_dropped");
  EXPECT_GT(dropped, 0);

  // The reader comes back: what was kept arrives, in whole lines.
  std::string text;
  char buffer[65536];
  while (text.size() < static_cast<size_t>(kEntries - dropped) * (line.size() + 1)) {
    const ssize_t n = read(reader, buffer, sizeof(buffer));
    if (n > 0) text.append(buffer, static_cast<size_t>(n));
  }
  writer.WaitUntilWritten();
  EXPECT_EQ(Lines(text), static_cast<size_t>(kEntries - dropped));
  EXPECT_EQ(Stat("write_total_buffered"), 0);
  close(reader);

  // The reader is gone for good: entries are lost and counted, the process lives.
  worker.Write(*stalled, stream_.info);
  worker.Flush();
  writer.WaitUntilWritten();
  EXPECT_EQ(Stat("write_failed"), 1);
  EXPECT_EQ(Stat("write_dropped"), dropped + 1);
}

TEST_F(WorkerLogTest, StopDoesNotWaitForAStalledPipeForever) {
  const std::string fifo = Path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int reader = open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  LogWriter writer(stats_, {});
  const auto log = Open(writer, fifo, std::string(4095, 'x') + "\n");
  {
    WorkerLog worker(writer, loop_, 1);
    for (int i = 0; i < 100; ++i) worker.Write(*log, stream_.info);
  }
  writer.Stop(Duration::zero());
  EXPECT_GT(Stat("write_dropped"), 0);
  EXPECT_EQ(Stat("write_total_buffered"), 0);
  close(reader);
}

TEST_F(WorkerLogTest, SubmittingAfterStopDrops) {
  const std::string path = Path("log");
  LogWriter writer(stats_, {});
  const auto log = Open(writer, path);
  WorkerLog worker(writer, loop_, 1);
  writer.Stop(std::chrono::seconds(1));
  worker.Write(*log, stream_.info);
  worker.Flush();
  EXPECT_EQ(Stat("write_dropped"), 1);
  EXPECT_EQ(ReadAll(path), "");
}

TEST_F(WorkerLogTest, AnEntryAllocatesNothingInASteadyState) {
  const std::string path = Path("log");
  LogWriter writer(stats_, {});
  const auto log =
      Open(writer, path,
           "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% "
           "%RESPONSE_FLAGS_LONG% %DURATION% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
           "%UPSTREAM_HOST% %RESP(CONTENT-TYPE)% %REQ(x-unlisted)%\n");
  WorkerLog worker(writer, loop_, 1);
  stream_.info.remote_ip = "192.0.2.255";
  stream_.info.flags.Set(ResponseFlag::kUpstreamConnectionTermination);
  worker.Write(*log, stream_.info);
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) worker.Write(*log, stream_.info);
  EXPECT_EQ(allocations, before);
}

// Run under tsan.
TEST_F(WorkerLogTest, ManyWorkersOneFile) {
  const std::string path = Path("log");
  constexpr int kWorkers = 4;
  constexpr int kEntries = 5000;
  // Keeps the figures when the writer is gone.
  const telemetry::ScopePtr scope = stats_.GetScope(telemetry::ScopeName().Add("access_log_file"));
  {
    LogWriter writer(stats_,
                     {.max_pending_bytes = 16 << 20, .buffer_bytes = 512, .flush_interval = std::chrono::hours(1)});
    const auto log = Open(writer, path, "%STREAM_ID% end\n");
    std::vector<std::thread> threads;
    for (uint32_t w = 0; w < kWorkers; ++w) {
      threads.emplace_back([&, w] {
        event::EventLoop loop;
        SampleStream stream;
        WorkerLog worker(writer, loop, telemetry::WorkerSlot(w));
        for (int i = 0; i < kEntries; ++i) worker.Write(*log, stream.info);
      });
    }
    for (int i = 0; i < 20; ++i) writer.ReopenAll();
    for (std::thread& thread : threads) thread.join();
  }
  const std::string text = ReadAll(path);
  EXPECT_EQ(Lines(text), static_cast<size_t>(kWorkers * kEntries));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) ASSERT_EQ(line, "abc-123 end");
  EXPECT_EQ(Stat("write_buffered"), kWorkers * kEntries);
  EXPECT_EQ(Stat("write_dropped"), 0);
}

}  // namespace
}  // namespace nuncio::access_log
