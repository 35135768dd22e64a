import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { session } from 'agai-session/express';
import { AccountController } from './account.controller.js';

@Module({ controllers: [AccountController] })
class AppModule {}

const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: ['error', 'warn'] });
app.use(session({ idleTimeout: '30m' }));
await app.listen(process.env.PORT ?? 3000);
console.log((await app.getUrl()).replace('[::1]', 'localhost'));
