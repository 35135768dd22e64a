import { Body, Controller, Get, HttpCode, Post, Session, UseGuards } from '@nestjs/common';
import type { Session as UserSession } from 'agai-session';
import { LoggedInGuard } from './logged-in.guard.js';

declare module 'agai-session' {
  interface SessionData {
    visits?: number;
  }
}

@Controller()
export class AccountController {
  @Get()
  home(@Session() session: UserSession) {
    return { user: session.uid, visits: session.update('visits', (n = 0) => n + 1) };
  }

  @Post('login')
  @HttpCode(200)
  login(@Session() session: UserSession, @Body('name') name: string) {
    session.login(name); // after you checked the password
    return { user: session.uid };
  }

  @Post('logout')
  @HttpCode(200)
  async logout(@Session() session: UserSession) {
    await session.logout();
    return { user: session.uid };
  }

  @Get('account')
  @UseGuards(LoggedInGuard)
  account(@Session() session: UserSession) {
    return { user: session.uid, since: session.authenticatedAt };
  }
}
