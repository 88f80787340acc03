// What the client sends and hands out, by a server that keeps the one and returns the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "client/cpp/client.h"
#include "client/cpp/tensor.h"
#include "tests/testing/recording_server.h"

namespace normd::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ClientWireTest : public ::testing::Test {
 protected:
  Client Connect() const {
    ClientOptions options;
    options.target = server_.address();
    return Client(options);
  }

  testing::RecordingServer server_;
};

TEST_F(ClientWireTest, AChunkGoesOutWholeWithItsNumber) {
  v1::Open open;
  open.set_element_type(v1::ELEMENT_TYPE_FLOAT16);
  const auto stream = Connect().OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  v1::Chunk chunk;
  chunk.set_sequence_number(77);  // the stream's own counts
  chunk.set_data(std::string("\x00\x3C\x00\xC0", 4));
  chunk.add_shape(1);
  chunk.add_shape(2);
  chunk.add_lengths(1);
  chunk.set_row_mask("\x01");
  for (uint64_t i = 1; i <= 2; ++i) {
    ASSERT_TRUE((*stream)->Write(chunk).ok());
    const auto answer = (*stream)->Read();
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->sequence_number, i);
    EXPECT_EQ(answer->element_type, v1::ELEMENT_TYPE_FLOAT16);
    EXPECT_EQ(answer->data, chunk.data());
    EXPECT_THAT(answer->Float32(), ElementsAre(1, -2));
  }
  ASSERT_TRUE((*stream)->Finish().ok());
  ASSERT_EQ(server_.asked().chunks.size(), 2);
  EXPECT_EQ(server_.asked().chunks[1].sequence_number(), 2);
  EXPECT_THAT(server_.asked().chunks[1].shape(), ElementsAre(1, 2));
  EXPECT_THAT(server_.asked().chunks[1].lengths(), ElementsAre(1));
  EXPECT_EQ(server_.asked().chunks[1].row_mask(), "\x01");
}

TEST_F(ClientWireTest, FloatsComeBackFromAnyTypeOfOutput) {
  v1::Open open;
  open.set_output_element_type(v1::ELEMENT_TYPE_FLOAT64);
  const auto stream = Connect().OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const double value = 2.5;
  std::vector<float> halves(2);
  std::memcpy(halves.data(), &value, sizeof(value));
  EXPECT_THAT(*(*stream)->Normalize(halves), ElementsAre(2.5f));
}

TEST_F(ClientWireTest, FloatsAreNotSentAsOtherElements) {
  v1::Open open;
  open.set_element_type(v1::ELEMENT_TYPE_FLOAT16);
  const auto stream = Connect().OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const absl::Status status = (*stream)->Write({1, 2});
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("FLOAT16"));
  EXPECT_TRUE(absl::IsFailedPrecondition((*stream)->Normalize({1, 2}).status()));
  ASSERT_TRUE((*stream)->Finish().ok());
  EXPECT_TRUE(server_.asked().chunks.empty());
}

TEST_F(ClientWireTest, OneBatchByOneCall) {
  v1::NormalizeRequest request;
  *request.mutable_input() = ToTensor({1, 2}, std::vector<double>{1, 2});
  request.set_output_element_type(v1::ELEMENT_TYPE_FLOAT64);
  const auto response = Connect().Normalize(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->output().data(), request.input().data());
  EXPECT_EQ(server_.asked().normalize_request.SerializeAsString(), request.SerializeAsString());
}

TEST_F(ClientWireTest, AComparisonReadsWhileItWritesAndEndsWithItsSummary) {
  server_.Tell(
      [&](auto& answers) { answers.summary.add_methods()->set_chunks_refused_by_training(5); });
  server_.Tell([&](auto& answers) { answers.refused_chunk = 2; });
  v1::CompareOpen open;
  open.add_specs()->mutable_layer_norm();
  const auto stream = Connect().OpenCompare(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_TRUE((*stream)->opened().resolved_specs(0).has_layer_norm());
  for (uint64_t i = 1; i <= 3; ++i) {
    v1::Chunk chunk;
    chunk.set_data("1234");
    ASSERT_TRUE((*stream)->Write(chunk).ok());
    const auto answer = (*stream)->Read();
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->sequence_number, i);
    EXPECT_EQ(answer->status.ok(), i != 2);
    EXPECT_EQ(answer->result.methods_size(), i == 2 ? 0 : 1);
  }
  (*stream)->CloseWrites();
  EXPECT_TRUE(absl::IsOutOfRange((*stream)->Read().status()));
  const auto summary = (*stream)->Finish();
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->last_sequence_number(), 3);
  EXPECT_EQ(summary->methods(0).chunks_refused_by_training(), 5);
}

// So that a proxy can send all that a session needs to one server.
TEST_F(ClientWireTest, WhateverNamesASessionCarriesItsId) {
  const Client client = Connect();
  const std::string name = "sessions/a.B_3:-";
  v1::Open open;
  open.set_session(name);
  const auto stream = client.OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_TRUE((*stream)->Finish().ok());
  v1::NormalizeRequest normalize;
  normalize.set_session(name);
  ASSERT_TRUE(client.Normalize(normalize).ok());
  v1::CreateSessionRequest create;
  create.set_session_id("a.B_3:-");
  ASSERT_TRUE(client.CreateSession(create).ok());
  v1::GetSessionRequest get;
  get.set_name(name);
  ASSERT_TRUE(client.GetSession(get).ok());
  v1::UpdateSessionRequest update;
  update.mutable_session()->set_name(name);
  ASSERT_TRUE(client.UpdateSession(update).ok());
  v1::ResetSessionRequest reset;
  reset.set_name(name);
  ASSERT_TRUE(client.ResetSession(reset).ok());
  v1::DeleteSessionRequest erase;
  erase.set_name(name);
  ASSERT_TRUE(client.DeleteSession(erase).ok());
  EXPECT_EQ(server_.asked().session_ids, std::vector<std::string>(7, "a.B_3:-"));
}

TEST_F(ClientWireTest, WhateverNamesNoSessionCarriesNone) {
  const Client client = Connect();
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  const auto stream = client.OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_TRUE((*stream)->Finish().ok());
  ASSERT_TRUE((*client.OpenCompare({}))->Finish().ok());
  ASSERT_TRUE(client.Normalize({}).ok());
  ASSERT_TRUE(client.ListSessions({}).ok());
  EXPECT_EQ(server_.asked().session_ids, std::vector<std::string>(4, ""));
}

// Bytes that metadata may not hold would end the process.
TEST_F(ClientWireTest, ANameThatNoServerTakesIsLeftToTheServer) {
  const Client client = Connect();
  const std::vector<std::string> names = {"sessions/",
                                          "sessions/a\nb",
                                          "sessions/\xFF",
                                          "sessions/a b",
                                          "a",
                                          "",
                                          "sessions/" + std::string(129, 'x')};
  for (const std::string& name : names) {
    v1::GetSessionRequest get;
    get.set_name(name);
    client.GetSession(get).status().IgnoreError();
    v1::NormalizeRequest normalize;
    normalize.set_session(name);
    client.Normalize(normalize).status().IgnoreError();
    v1::Open open;
    open.set_session(name);
    client.OpenStream(open).status().IgnoreError();
  }
  for (const std::string& id : server_.asked().session_ids) EXPECT_EQ(id, "");
  EXPECT_EQ(server_.asked().session_ids.size(), 3 * names.size() - 2);  // one is no UTF-8
}

}  // namespace
}  // namespace normd::client
